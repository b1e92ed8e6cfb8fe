package report

import (
	"fmt"
	"strings"
	"time"

	"haulmail/fetch"
)

// connections is what check --connect shows: one line an account that could be logged in to, and below it what its server shows and
// offers. Of one that could not be, what is known is shown too: an untrusted certificate is what its owner wants to see.
type connections struct {
	screen   *screen
	names    int
	quiet    bool
	now      func() time.Time
	accounts map[string]*connection
}

// connection is what is known of one account's server.
type connection struct {
	at, how string
	details []detail
}

// detail is one line below an account.
type detail struct{ label, text string }

func newConnections(s *screen, o Options) *connections {
	return &connections{screen: s, names: width(o.Accounts), quiet: o.Quiet, now: o.Now, accounts: map[string]*connection{}}
}

func (c *connections) event(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Found:
		c.of(e.Account).add("srv", e.Domain+" names "+strings.Join(e.Servers, ", "))
	case fetch.Resolved:
		if len(e.Addrs) != 1 || e.Addrs[0].String() != e.Host {
			c.of(e.Account).add("name", e.Host+" is "+addresses(e.Addrs))
		}
	case fetch.Connected:
		c.of(e.Account).at = Escape(place(e))
	case fetch.Shown:
		c.shown(e)
	case fetch.LoggedIn:
		c.of(e.Account).how = fmt.Sprintf("%s, %s, %s", encryption(e.TLS), Escape(e.Mechanism), pipelining(e.Pipelining))
	case fetch.Offered:
		c.offered(e)
	case fetch.Done:
		c.done(e)
	}
}

func (c *connections) of(account string) *connection {
	if c.accounts[account] == nil {
		c.accounts[account] = new(connection)
	}
	return c.accounts[account]
}

func (c *connection) add(label, text string) {
	c.details = append(c.details, detail{label, Escape(text)})
}

// shown adds the chain, and the line that would pin the server.
func (c *connections) shown(e fetch.Shown) {
	account := c.of(e.Account)
	for i, cert := range e.Chain {
		label, whose := "certificate", cert.Subject
		if i > 0 {
			label = "issuer"
		} else if len(cert.Names) > 0 {
			whose = strings.Join(cert.Names, ", ")
		}
		account.add(label, fmt.Sprintf("%s, %s, by %s", whose, c.until(cert.NotAfter), cert.Issuer))
	}
	account.add("pin", fmt.Sprintf("tls_fingerprint = %q", e.Pin))
}

// until says when a certificate ends, and in how many days.
func (c *connections) until(end time.Time) string {
	left := end.Sub(c.now())
	if left < 0 {
		return "until " + end.UTC().Format(time.DateOnly) + " (over)"
	}
	return fmt.Sprintf("until %s (%s)", end.UTC().Format(time.DateOnly), count(int(left.Hours()/24), "day"))
}

func (c *connections) offered(e fetch.Offered) {
	account := c.of(e.Account)
	account.add("capabilities", strings.Join(e.Capabilities, ", "))
	for _, d := range []detail{
		{"mechanisms", strings.Join(e.Mechanisms, ", ")}, {"expire", e.Expire}, {"login delay", e.LoginDelay},
	} {
		if d.text != "" {
			account.add(d.label, d.text)
		}
	}
}

func (c *connections) done(e fetch.Done) {
	account := c.of(e.Account)
	if c.quiet || e.Err != nil && len(account.details) == 0 {
		return
	}
	name := pad(e.Account, c.names)
	lines := fmt.Sprintf("%s   ok: %s, %s\n", name, account.at, account.how)
	if e.Err != nil {
		lines = name + "   not ok\n"
	}
	for _, d := range account.details {
		lines += fmt.Sprintf("%*s   %-12s  %s\n", c.names, "", d.label, d.text)
	}
	c.screen.print(lines)
}

func (c *connections) finish([]fetch.Result, int) {}
