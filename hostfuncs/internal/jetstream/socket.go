package jetstream

import (
	"fmt"
	"net"
	"os"
	"runtime"
)

// A Unix socket's path has at most about a hundred bytes. A longer one is reached through the open directory, where the system has a name for it.
const socketPathMax = 100

// shortPath gives a path of the socket in dir that is short enough, and what must stay open while it is used.
func shortPath(dir string) (path string, hold *os.File, err error) {
	path = socketPath(dir)
	if len(path) <= socketPathMax || runtime.GOOS != "linux" {
		return path, nil, nil
	}
	if hold, err = os.Open(dir); err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/socket", hold.Fd()), hold, nil
}

// socketListener is a listener that removes its socket.
type socketListener struct {
	net.Listener
	hold *os.File
}

func listenUnix(dir string) (*socketListener, error) {
	path, hold, err := shortPath(dir)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		hold.Close()
		return nil, err
	}
	return &socketListener{l, hold}, nil
}

// Close stops listening and removes the socket.
func (l *socketListener) Close() error {
	err := l.Listener.Close()
	l.hold.Close()
	return err
}

func dialUnix(dir string) (net.Conn, error) {
	path, hold, err := shortPath(dir)
	if err != nil {
		return nil, err
	}
	defer hold.Close()
	return net.Dial("unix", path)
}
