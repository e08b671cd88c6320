// Answers every request with the same line of text.

import { Context, onFetch, Request, Response } from "../../../../guest-sdk/assemblyscript/assembly";

onFetch((req: Request, ctx: Context): Response => Response.text("Hello, world!\n"));

export { pagesrun_handle } from "../../../../guest-sdk/assemblyscript/assembly";
