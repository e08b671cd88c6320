// Package scaffold makes projects: the template of a language, together with the sources of its SDK, in a new folder.
//
// The SDKs travel in the binary (package [github.com/pagesrun/pagesrun]) so that a project can be made and built without a network.
package scaffold
