// Where the compiler looks for the package "@pagesrun/as".

export * from "./assembly/index";
