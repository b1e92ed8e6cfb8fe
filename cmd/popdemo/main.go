// Command popdemo is a small POP3 server with sample mail, for the first five minutes with haulmail. It listens on the
// loopback interface only, keeps nothing, and ends by itself after an hour.
//
//	popdemo [--listen 127.0.0.1:0] [--messages 240] [--user demo] [--password-file FILE]
//	        [--tls none|implicit|starttls] [--ca-out FILE] [--port-file FILE] [--delay 0s] [--for 1h]
//
// Once it accepts connections it prints one line, "listening on 127.0.0.1:PORT", and writes PORT and a line end into
// the port file. The password is the first line of FILE, else $POPDEMO_PASSWORD, else "demo". With TLS its certificate
// is for localhost, 127.0.0.1 and ::1, from an authority made afresh and written to --ca-out.
//
// It exits with 0 after SIGINT, SIGTERM or its time; with 64 after a wrong command line; with 1 after any other error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args, os.Getenv, os.Stdout)
	stop()
	os.Exit(exitCode(err, os.Stderr))
}

// command reads the command line and serves until ctx or the demonstration's time ends.
func command(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	d := &demo{}
	app := &cli.App{
		Name: "popdemo", Usage: "a POP3 server with sample mail on the loopback interface", UsageText: "popdemo [flags]",
		HideVersion: true, HideHelpCommand: true, CustomAppHelpTemplate: help,
		Writer: stdout, ErrWriter: io.Discard, ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error { return usageError{err} },
		Flags:        d.flags(),
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usageError{fmt.Errorf("unexpected argument %q", c.Args().First())}
			}
			if err := d.check(); err != nil {
				return usageError{err}
			}
			return d.run(c.Context, getenv, stdout)
		},
	}
	return app.RunContext(ctx, args)
}

// help is in the style of haulmail's. A test holds it against the flags.
const help = `popdemo — a POP3 server with sample mail, on this machine only

Usage:  popdemo [flags]

It prints "listening on 127.0.0.1:PORT" once it accepts connections, and ends
by a signal or when its time is over.

Flags:
      --listen ADDR:PORT   listen there, on loopback; port 0 takes a free one
                           (127.0.0.1:0)
      --messages N         have N sample messages (240)
      --user NAME          the name to log in with (demo)
      --password-file FILE
                           the password is its first line; else that of
                           $POPDEMO_PASSWORD, else demo
      --tls none|implicit|starttls
                           the way of TLS (none)
      --ca-out FILE        write the certificate authority there
      --port-file FILE     write the port there, once connections are accepted
      --delay TIME         wait before each message, as a far server would (0s)
      --for TIME           end after that (1h)
  -h, --help               show help
`

func (d *demo) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", Destination: &d.listen},
		&cli.IntFlag{Name: "messages", Value: 240, Destination: &d.messages},
		&cli.StringFlag{Name: "user", Value: "demo", Destination: &d.user},
		&cli.StringFlag{Name: "password-file", Destination: &d.passwordFile},
		&cli.StringFlag{Name: "tls", Value: "none", Destination: &d.tls},
		&cli.StringFlag{Name: "ca-out", Destination: &d.caOut},
		&cli.StringFlag{Name: "port-file", Destination: &d.portFile},
		&cli.DurationFlag{Name: "delay", Destination: &d.delay},
		&cli.DurationFlag{Name: "for", Value: time.Hour, Destination: &d.lasting},
	}
}

// usageError is a wrong command line.
type usageError struct{ error }

// exitCode tells err on stderr and gives the code to exit with.
func exitCode(err error, stderr io.Writer) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "popdemo: %v\n", err)
		return 64
	}
	fmt.Fprintf(stderr, "popdemo: %v\n", err)
	return 1
}
