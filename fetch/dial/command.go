package dial

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Program is one whose standard input and output are the connection: ssh -W, for one.
type Program struct {
	Argv []string
	Env  []string // the whole environment
}

const (
	// saidWithin is how long a program that has closed its output may take to end and to say why.
	saidWithin = time.Second
)

// Run starts a program and gives its standard input and output as a connection. It belongs to a session of its own
// (setsid), so that it cannot ask anybody anything, and outlives a Ctrl-C until the connection is closed in order; then it
// is ended, with all it has started, and reaped.
//
// A program that ends before it has said anything makes the first Read fail with an *Error of Kind ProxyFailed, or
// BadCommand where a shell does not find it. Errors: *Error with Kind BadCommand.
func Run(p Program) (net.Conn, error) {
	c := &programConn{ended: make(chan struct{})}
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("run proxy_command: %w", err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		_, _ = theirIn.Close(), in.Close()
		return nil, fmt.Errorf("run proxy_command: %w", err)
	}
	c.in, c.out = in, out
	c.cmd = exec.Command(p.Argv[0], p.Argv[1:]...)
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = theirIn, theirOut, &c.complaint
	c.cmd.Env = p.Env
	c.cmd.WaitDelay = saidWithin
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = c.cmd.Start()
	_, _ = theirIn.Close(), theirOut.Close()
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, badCommand(why(cause(err)), err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

func badCommand(reason string, err error) *Error {
	return &Error{
		Kind: BadCommand, Err: err, doing: "run proxy_command", reason: strings.TrimPrefix(reason, "exec: "),
		hint: "cron knows few folders of programs: name it with its folder",
	}
}

// programConn is the connection to a program.
type programConn struct {
	in, out   *os.File
	cmd       *exec.Cmd
	complaint complaint
	heard     atomic.Bool // it has said something
	ended     chan struct{}
	err       error // of Wait, once ended is closed
	closing   sync.Once
}

// Read reads what the program says. Where it ends without a word, the error tells what is known of why.
func (c *programConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	if n > 0 {
		c.heard.Store(true)
	}
	if errors.Is(err, io.EOF) && !c.heard.Load() {
		return n, c.silentEnd()
	}
	return n, err
}

// Write writes what the program is to carry. One that has gone without a word is told of as by Read.
func (c *programConn) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	if errors.Is(err, syscall.EPIPE) && !c.heard.Load() {
		return n, c.silentEnd()
	}
	return n, err
}

// silentEnd says why a program has closed its output before it said anything.
func (c *programConn) silentEnd() error {
	select {
	case <-c.ended:
	case <-time.After(saidWithin):
		return &Error{Kind: ProxyFailed, doing: "run proxy_command", reason: "it closed its output before the server said anything"}
	}
	reason := "it ended before the server said anything"
	if c.err != nil && !errors.Is(c.err, exec.ErrWaitDelay) {
		reason = c.err.Error()
	}
	if said := c.complaint.lastLine(c.cmd.Args); said != "" {
		reason += ": " + said
	}
	const notExecutable, notFound = 126, 127 // of a shell (POSIX, XCU 2.8.2)
	if code := c.cmd.ProcessState.ExitCode(); code == notFound || code == notExecutable {
		return badCommand(reason, c.err)
	}
	return &Error{Kind: ProxyFailed, Err: c.err, doing: "run proxy_command", reason: reason, hint: "run the command by hand and see what it says"}
}

// Close closes the connection and ends the program, with all that it has started in its group: whatever it was to carry
// has been carried.
func (c *programConn) Close() error {
	c.closing.Do(func() {
		_, _ = c.in.Close(), c.out.Close()
		select {
		case <-c.ended:
			return
		default:
		}
		c.signal(syscall.SIGTERM)
		select {
		case <-c.ended:
		case <-time.After(endWithin):
			c.signal(syscall.SIGKILL)
		}
		<-c.ended
	})
	return nil
}

// signal reaches the program's whole group; one that has ended meanwhile needs none.
func (c *programConn) signal(s syscall.Signal) { _ = syscall.Kill(-c.cmd.Process.Pid, s) }

// programAddr names the ends of the connection, which have no addresses.
type programAddr struct{}

func (programAddr) Network() string { return "command" }
func (programAddr) String() string  { return "proxy_command" }

func (c *programConn) LocalAddr() net.Addr  { return programAddr{} }
func (c *programConn) RemoteAddr() net.Addr { return programAddr{} }

func (c *programConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
func (c *programConn) SetReadDeadline(t time.Time) error  { return c.out.SetReadDeadline(t) }
func (c *programConn) SetWriteDeadline(t time.Time) error { return c.in.SetWriteDeadline(t) }

// complaint keeps the end of what a program says on its standard error.
type complaint struct {
	mu   sync.Mutex
	kept []byte
}

// Write implements io.Writer. It never fails.
func (c *complaint) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, p...)
	if over := len(c.kept) - maxComplaint; over > 0 {
		c.kept = append(c.kept[:0], c.kept[over:]...)
	}
	return len(p), nil
}

// lastLine gives the last line that says something, fit to be shown. A line for the shell, which may hold a secret, is left
// out of it: some shells repeat it.
func (c *complaint) lastLine(argv []string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(c.kept)), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if len(argv) == 3 && argv[1] == "-c" {
		last = strings.ReplaceAll(last, argv[2], "[…]")
	}
	return plain(last)
}
