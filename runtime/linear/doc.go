// Package linear owns the linear memories of guests: where they live, the image taken of one after start-up, and the way back to
// that image after each event.
//
// Two implementations answer to the same interface. On Linux a memory is reserved address space that is committed on first use, an
// image is a sealed memfd that every instance maps copy-on-write, and a reset asks the kernel which pages are no
// longer the image's, unless no page can have been added since it last asked, and copies just those back. Everywhere else a memory is a Go slice and a reset copies all of it. Both
// leave exactly the image; a test holds them to it.
package linear
