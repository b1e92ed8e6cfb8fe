package dial

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
)

// ConnectSocket opens a connection to a Unix socket, within Timeout. Errors: *Error with Kind Refused, Unreachable or
// TimedOut. A cancelled ctx: an error that is context.Canceled.
func (d *Dialer) ConnectSocket(ctx context.Context, path string) (net.Conn, error) {
	unix := net.Dialer{Timeout: d.limit()}
	conn, err := unix.DialContext(ctx, "unix", path)
	if err == nil {
		return conn, nil
	}
	doing := "connect to the socket " + plain(path)
	if ctx.Err() != nil && !isTimeout(ctx.Err()) {
		return nil, fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	e := &Error{Kind: tryKind(err), Host: path, Err: err, doing: doing, reason: why(err)}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		e.hint = "is the server running? it makes the socket when it starts"
	case errors.Is(err, fs.ErrPermission):
		e.hint = "who runs haulmail has no right to it: ls -ld it, and the folders above"
	}
	return nil, e
}
