// Makes a component of a module. Usage: node component.mjs TOOLS MODULE.wasm WORLD.wit COMPONENT.wasm
//
// TOOLS is where node_modules with @bytecodealliance/jco-transpile is.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [tools, module, world, component] = process.argv.slice(2);
const wasmTools = join(tools, "node_modules", "@bytecodealliance", "jco-transpile", "dist", "wasm-tools.js");
const { componentEmbed, componentNew } = await import(pathToFileURL(wasmTools));

const embedded = await componentEmbed({ binary: readFileSync(module), witSource: readFileSync(world, "utf8"), world: "hello" });
writeFileSync(component, await componentNew(embedded, []));
