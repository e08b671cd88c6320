// A small function: it answers with its name. bench/crowd makes many functions of it by changing the name in the module.

import { Context, onFetch, Request, Response } from "../../../guest-sdk/assemblyscript/assembly";

onFetch((_req: Request, _ctx: Context): Response => Response.text("app-0000000000"));

export { pagesrun_handle } from "../../../guest-sdk/assemblyscript/assembly";
