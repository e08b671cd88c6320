// Answers every request with a line of text.

import { Context, onFetch, Request, Response } from "../../guest-sdk/assemblyscript/assembly";

onFetch((req: Request, _ctx: Context): Response => Response.text("Hello from AssemblyScript, " + req.method + " " + req.path + "\n"));

export { pagesrun_handle } from "../../guest-sdk/assemblyscript/assembly";
