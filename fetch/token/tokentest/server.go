// Package tokentest is a small OAuth server (RFC 6749) for tests: device codes
// (RFC 8628), codes with PKCE (RFC 7636), refreshing with or without rotation,
// expiry, and every way to fail, as data. It listens on loopback and knows nothing
// of tests; whoever uses it plays the person that signs in.
package tokentest

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Server is one OAuth server. Fields are set before Start.
type Server struct {
	ClientID     string        // the client that is let in
	ClientSecret string        // and its secret; "" for none
	User         string        // whose mail the tokens are for
	Lifetime     time.Duration // of an access token, at least a second; 0 = it is not told and has no end
	Rotate       bool          // a refresh token serves once, and another one comes with the new token
	Unrefreshing bool          // no refresh token is given
	CodeLife     time.Duration // of a device code; 0 is ten minutes
	Faults       []Fault

	mu        sync.Mutex
	listener  net.Listener
	server    *http.Server
	closing   chan struct{}
	devices   map[string]*device // by device code
	codes     map[string]code    // by authorization code
	refresh   map[string]bool    // refresh tokens that serve
	access    map[string]time.Time
	refreshes int
}

// device is a device code and what became of it.
type device struct {
	userCode string
	verdict  string // "" while nobody has decided, then "approved" or an error
	expires  time.Time
}

// code is an authorization code.
type code struct{ challenge, redirect string }

// Where the server is asked for what, behind its URL.
const (
	DevicePath = "/device"
	AuthPath   = "/auth"
	TokenPath  = "/token"
	InfoPath   = "/tokeninfo" // tells whose an access token is, as Dovecot asks for it
)

// Start begins to listen, and gives the server's URL.
func (s *Server) Start() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s.listener, s.closing = listener, make(chan struct{})
	s.devices, s.codes = map[string]*device{}, map[string]code{}
	s.refresh, s.access = map[string]bool{}, map[string]time.Time{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+DevicePath, s.faulty(AtDevice, s.device))
	mux.HandleFunc("GET "+AuthPath, s.auth)
	mux.HandleFunc("POST "+TokenPath, s.token)
	mux.HandleFunc("GET "+InfoPath, s.info)
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

// Close ends the server and all of its connections.
func (s *Server) Close() {
	close(s.closing)
	_ = s.server.Close()
}

// Approve has the person type a code and agree; false if it is none.
func (s *Server) Approve(userCode string) bool { return s.decide(userCode, "approved") }

// Deny has the person type a code and refuse.
func (s *Server) Deny(userCode string) bool { return s.decide(userCode, "access_denied") }

func (s *Server) decide(userCode, verdict string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.devices {
		if d.userCode == userCode {
			d.verdict = verdict
			return true
		}
	}
	return false
}

// Revoke makes all tokens worthless, as a person does who throws a program out.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.refresh)
	clear(s.access)
}

// Forget makes the access tokens worthless, though they have not ended.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

// Break has the server fail from now on as these faults say, and no longer as
// those before.
func (s *Server) Break(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Faults = faults
}

// Rename has the tokens be for another user's mail.
func (s *Server) Rename(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.User = user
}

// Refreshes is how often a token was refreshed.
func (s *Server) Refreshes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refreshes
}

// Good says whether an access token opens the mailbox.
func (s *Server) Good(access string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	end, known := s.access[access]
	return known && (end.IsZero() || time.Now().Before(end))
}

// Serves says whether a refresh token can still be used.
func (s *Server) Serves(refresh string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refresh[refresh]
}

// device gives out a device code (RFC 8628 §3.2).
func (s *Server) device(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("client_id") != s.ClientID {
		refuse(w, http.StatusUnauthorized, "invalid_client", "no such client")
		return
	}
	d := &device{userCode: rand.Text()[:4] + "-" + rand.Text()[:4], expires: time.Now().Add(cmp.Or(s.CodeLife, 10*time.Minute))}
	name := rand.Text()
	s.mu.Lock()
	s.devices[name] = d
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{
		"device_code": name, "user_code": d.userCode, "verification_uri": "http://" + r.Host + "/go",
		"expires_in": int(time.Until(d.expires).Seconds()) + 1, "interval": 1,
	})
}

// auth is the page a browser signs in at; this one agrees at once (RFC 6749 §4.1.1).
func (s *Server) auth(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	to, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || query.Get("client_id") != s.ClientID || query.Get("response_type") != "code" || query.Get("code_challenge_method") != "S256" {
		http.Error(w, "not a request for a code with PKCE", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {query.Get("state")}}
	if f, ok := s.fault(AtAuth); ok {
		back.Set("error", f.Code)
		back.Set("error_description", f.Description)
	} else {
		name := rand.Text()
		back.Set("code", name)
		s.mu.Lock()
		s.codes[name] = code{challenge: query.Get("code_challenge"), redirect: query.Get("redirect_uri")}
		s.mu.Unlock()
	}
	to.RawQuery = back.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// token gives a token for a code, a device code or a refresh token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("grant_type") == "refresh_token" {
		s.faulty(AtRefresh, s.grant)(w, r)
		return
	}
	s.faulty(AtToken, s.grant)(w, r)
}

func (s *Server) grant(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("client_id") != s.ClientID || r.FormValue("client_secret") != s.ClientSecret {
		refuse(w, http.StatusUnauthorized, "invalid_client", "wrong client or secret")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var why string
	switch r.FormValue("grant_type") {
	case "refresh_token":
		if why = s.spendRefresh(r.FormValue("refresh_token")); why == "" {
			s.refreshes++
		}
	case "authorization_code":
		why = s.spendCode(r)
	case "urn:ietf:params:oauth:grant-type:device_code":
		why = s.spendDevice(r.FormValue("device_code"))
	default:
		why = "unsupported_grant_type"
	}
	if why != "" {
		refuse(w, http.StatusBadRequest, why, "this is the server's reason")
		return
	}
	s.give(w, r.FormValue("grant_type") == "refresh_token")
}

// give makes a token. The caller holds the lock.
func (s *Server) give(w http.ResponseWriter, refreshed bool) {
	access := "access-" + rand.Text()
	s.access[access] = time.Time{}
	token := map[string]any{"access_token": access, "token_type": "Bearer"}
	if s.Lifetime > 0 {
		s.access[access] = time.Now().Add(s.Lifetime)
		token["expires_in"] = int(s.Lifetime.Seconds())
	}
	if !s.Unrefreshing && (!refreshed || s.Rotate) {
		refresh := "refresh-" + rand.Text()
		s.refresh[refresh] = true
		token["refresh_token"] = refresh
	}
	answer(w, http.StatusOK, token)
}

// The functions that spend something give the OAuth error, "" for none. The caller
// holds the lock.

func (s *Server) spendRefresh(name string) string {
	if !s.refresh[name] {
		return "invalid_grant"
	}
	if s.Rotate {
		delete(s.refresh, name)
	}
	return ""
}

func (s *Server) spendCode(r *http.Request) string {
	c, known := s.codes[r.FormValue("code")]
	delete(s.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !known || c.redirect != r.FormValue("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge {
		return "invalid_grant"
	}
	return ""
}

func (s *Server) spendDevice(name string) string {
	d := s.devices[name]
	switch {
	case d == nil:
		return "invalid_grant"
	case time.Now().After(d.expires):
		return "expired_token"
	case d.verdict == "":
		return "authorization_pending"
	case d.verdict != "approved":
		return d.verdict
	}
	delete(s.devices, name)
	return ""
}

// info tells whose an access token is.
func (s *Server) info(w http.ResponseWriter, r *http.Request) {
	access := cmp.Or(r.FormValue("access_token"), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if !s.Good(access) {
		refuse(w, http.StatusUnauthorized, "invalid_token", "")
		return
	}
	s.mu.Lock()
	user := s.User
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"username": user, "active": true})
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	answer(w, status, map[string]any{"error": code, "error_description": description})
}

func answer(w http.ResponseWriter, status int, fields map[string]any) {
	text, err := json.Marshal(fields)
	if err != nil {
		panic(fmt.Sprintf("tokentest: %v", err)) // strings and numbers
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
