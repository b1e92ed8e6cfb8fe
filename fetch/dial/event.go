package dial

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// EventKind says which step of a connect an Event tells of.
type EventKind int

const (
	// Resolved: Addrs of Host are known, in the order to try; Err is the failure of a family that gave none. A family
	// that answers late makes a second Resolved.
	Resolved EventKind = iota + 1
	// Tried: Addr did not answer, for the reason Err.
	Tried
	// Connected: Addr answered first.
	Connected
)

// Event is one step of a connect, for those who show it.
type Event struct {
	Kind  EventKind
	Host  string
	Addrs []netip.Addr   // Resolved
	Addr  netip.AddrPort // Tried, Connected
	Err   error          // Tried; Resolved where one family failed
	Took  time.Duration  // the look-up or the attempt alone
}

// ErrOvertaken is the Err of a Tried event for an attempt that was given up because another address had answered.
var ErrOvertaken = errors.New("another address answered first")

// String gives the event as one line without a prefix.
func (e Event) String() string {
	took := rounded(e.Took)
	switch e.Kind {
	case Resolved:
		return fmt.Sprintf("resolved %s in %v: %s", plain(e.Host), took, e.found())
	case Tried:
		return fmt.Sprintf("tried %s for %v: %s", e.Addr, took, why(e.Err))
	case Connected:
		return fmt.Sprintf("connected to %s in %v", e.Addr, took)
	}
	return "unknown event"
}

// found lists a look-up's addresses, then the failure of a family.
func (e Event) found() string {
	var parts []string
	for _, addr := range e.Addrs {
		parts = append(parts, addr.String())
	}
	list := strings.Join(parts, ", ")
	if e.Err == nil {
		return list
	}
	if list != "" {
		list += "; "
	}
	return list + plain(e.Err.Error())
}
