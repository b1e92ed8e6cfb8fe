package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"

	"haulmail/config"
)

const fileVersion = 1

// stored is what a token file holds, as JSON.
type stored struct {
	Version      int       `json:"v"`
	Provider     string    `json:"provider"`
	ClientID     string    `json:"client_id"` // whom the refresh token was given to: it is of no use to others
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token,omitempty"`
	Expiry       time.Time `json:"expiry,omitzero"` // of the access token; zero if the provider did not say
}

// goodFor says whether the token is good for a while still, as far as is known.
func (s stored) goodFor(d time.Duration) bool {
	return s.AccessToken != "" && (s.Expiry.IsZero() || time.Until(s.Expiry) > d)
}

// Path is where an account's token lies.
func (k Keeper) Path(a *config.Account) string { return filepath.Join(k.Folder, a.Name+".token") }

var (
	errSignedOut      = errors.New("nobody has signed in yet")
	errNotRefreshable = errors.New("the token has ended, and the provider gave none to refresh it with")
)

// read reads an account's token.
func (k Keeper) read(a *config.Account) (stored, error) {
	fail := func(kind Kind, err error) (stored, error) {
		return stored{}, &Error{Step: StepStore, Kind: kind, Err: err}
	}
	path := k.Path(a)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fail(SignedOut, errSignedOut)
	}
	if err != nil {
		return fail(Disk, err)
	}
	defer f.Close() // only read from
	info, err := f.Stat()
	if err != nil {
		return fail(Disk, err)
	}
	const othersRead = 0o044
	if info.Mode().Perm()&othersRead != 0 {
		return stored{}, &Error{Step: StepStore, Kind: Misconfigured, Err: fmt.Errorf("%s can be read by others", path), Hint: "chmod 600 it"}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return fail(Disk, err)
	}
	var s stored
	if json.Unmarshal(text, &s) != nil || s.Version != fileVersion || s.AccessToken == "" || !isToken(s.AccessToken) {
		return fail(SignedOut, fmt.Errorf("%s is damaged", path))
	}
	if p := k.Providers[a.OAuth]; s.Provider != a.OAuth || p != nil && s.ClientID != p.ClientID {
		return fail(SignedOut, errors.New("the token was given by another provider, or to another client, than the config names"))
	}
	return s, nil
}

// write replaces an account's token, durably: the one before may be worthless.
func (k Keeper) write(a *config.Account, s stored) error {
	s.Version = fileVersion
	text, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = renameio.WriteFile(k.Path(a), append(text, '\n'), 0o600, renameio.WithStaticPermissions(0o600), renameio.WithTempDir(k.Folder))
	}
	if err == nil {
		err = syncFolder(k.Folder)
	}
	if err != nil {
		return &Error{Step: StepStore, Kind: Disk, Err: err}
	}
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close() // only synced
	return folder.Sync()
}

// lock waits until no other process refreshes the account's token. The lock's file
// stays where it is: whoever removed it could let two in.
func (k Keeper) lock(ctx context.Context, a *config.Account) (unlock func(), err error) {
	fail := func(kind Kind, err error) (func(), error) {
		return nil, &Error{Step: StepStore, Kind: kind, Err: err}
	}
	if err := os.MkdirAll(k.Folder, 0o700); err != nil {
		return fail(Disk, err)
	}
	limit := time.Duration(a.Timeout) + time.Duration(a.PasswordTimeout) + lockMargin
	waiting, stop := context.WithTimeout(ctx, limit)
	defer stop()
	l := flock.New(k.Path(a) + ".lock")
	_, err = l.TryLockContext(waiting, lockRetry)
	switch {
	case err == nil:
		return func() { _ = l.Close() }, nil // the lock goes with the process, at the latest
	case ctx.Err() != nil:
		return fail(Temporary, ctx.Err())
	case waiting.Err() != nil:
		return fail(Temporary, fmt.Errorf("another run has refreshed the token for %v and has not ended", limit))
	}
	return fail(Disk, err)
}

// isToken says whether text may be a token, "" included: visible ASCII (RFC 6749,
// appendix A.12 and A.17, without the blank, which would end it in a header).
func isToken(text string) bool {
	return len(text) <= maxToken && strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
