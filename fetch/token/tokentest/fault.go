package tokentest

import (
	"cmp"
	"net/http"
	"strings"
)

// Where a Fault strikes.
const (
	AtDevice  = "device"
	AtAuth    = "auth" // Code and Description only: they go to the browser
	AtToken   = "token"
	AtRefresh = "refresh"
)

// Fault is one way to fail.
type Fault struct {
	At    string
	Times int // how often it strikes; 0 is always

	Code        string // an OAuth error
	Description string
	Echo        bool // the description repeats the whole request, as bad servers do

	Status   int    // the HTTP status; 0 is 400 with a Code, else 200
	Location string // where a Status of 3xx leads
	Type     string // the content type; "" is JSON's
	Body     string // in place of an OAuth error
	Huge     bool   // the body has no end
	Silent   bool   // there is no answer at all
	Drop     bool   // the connection is closed in place of an answer
}

// fault gives the fault that strikes now.
func (s *Server) fault(at string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.Faults {
		f := &s.Faults[i]
		if f.At != at || f.Times < 0 {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				f.Times = -1 // spent
			}
		}
		return *f, true
	}
	return Fault{}, false
}

// faulty is serve, unless a fault strikes.
func (s *Server) faulty(at string, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, ok := s.fault(at)
		if !ok {
			serve(w, r)
			return
		}
		_ = r.ParseForm() // an unread body would keep the server from seeing the client go
		switch {
		case f.Silent:
			select {
			case <-r.Context().Done():
			case <-s.closing:
			}
		case f.Drop:
			panic(http.ErrAbortHandler)
		case f.Huge:
			w.Header().Set("Content-Type", "application/json")
			for chunk := []byte(strings.Repeat(" ", 64<<10)); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		case f.Code != "":
			if f.Echo {
				f.Description += r.PostForm.Encode()
			}
			refuse(w, cmp.Or(f.Status, http.StatusBadRequest), f.Code, f.Description)
		default:
			w.Header().Set("Content-Type", cmp.Or(f.Type, "application/json"))
			if f.Location != "" {
				w.Header().Set("Location", f.Location)
			}
			w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
			_, _ = w.Write([]byte(f.Body))
		}
	}
}
