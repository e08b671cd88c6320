// Command env-go is a CGI program that prints what it was given. Its request's variables are those of /proc/self/environ, so that it can be served with every
// cgi_image.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	conf, err := os.ReadFile("/etc/app.conf")
	runs := 0

	data, _ := os.ReadFile("/proc/self/environ")
	runs++
	fmt.Print("Content-Type: text/plain\r\n\r\n")
	for _, a := range os.Args[1:] {
		fmt.Println("argument", a)
	}
	for v := range strings.SplitSeq(strings.TrimSuffix(string(data), "\x00"), "\x00") {
		fmt.Println(v)
	}
	again, errAgain := os.ReadFile("/srv/app.conf")
	if err != nil || errAgain != nil {
		fmt.Println("error", err, errAgain)
	}
	fmt.Printf("file %s\nfile again %s\nrun %d\n", conf, again, runs)
}
