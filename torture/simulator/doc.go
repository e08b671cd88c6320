// Package simulator does random things to bindings through the real host functions and compares them with plain maps.
//
// A seed gives a world: a data directory, a clock that moves only when the world says so, and a guest that makes the calls, several at once, some of them
// cancelled. What a cancelled call leaves behind is one of two things, and the models know both. Now and then everything is closed and opened again, and every
// fourth world has queues with a consumer that fails as often as each message says. What differs from the models ends the world with all that was done in it,
// and with its seed, which gives the same world again; moments of the machine alone may differ.
//
// The control is in the tests: a model that forgets something is caught.
package simulator
