package pagesrun

import _ "unsafe" // for go:linkname

// programMain is the function's own main. The Go runtime does not run it in a reactor, so warm does.
//
//go:linkname programMain main.main
func programMain()

// warmed says that warm has run.
var warmed bool

// exportWarm is application start-up, before the image is taken.
//
//go:wasmexport pagesrun_warm
func exportWarm() { warm() }

// warm runs main and the OnWarm functions once, and readies the instance for the image.
func warm() {
	warmed = true
	findGenerator()
	programMain()
	finishStart()
	readyImage()
}

// exportHandle runs one event.
//
//go:wasmexport pagesrun_handle
func exportHandle() {
	if !warmed { // a host that does not warm pays for it at each event
		warm()
	}
	reseed()
	runEvent()
}
