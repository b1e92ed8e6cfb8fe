package token

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"haulmail/config"
)

// FuzzStored reads anything as a token file. What is read is a token that may be sent, and the same when it is written again; what is not
// tells nothing of the file.
func FuzzStored(f *testing.F) {
	const good = `{"v":1,"provider":"corp","client_id":"me","access_token":"ya29.token","refresh_token":"1//r","expiry":"2026-03-01T12:00:00Z"}`
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, "ya29.token", `a\r\nb`, 1)))
	f.Add([]byte(strings.Replace(good, "ya29.token", "", 1)))
	f.Add([]byte(strings.Replace(good, "corp", "other", 1)))
	f.Add([]byte(strings.Replace(good, `"v":1`, `"v":2`, 1)))
	f.Add([]byte(strings.Replace(good, "2026", "10000", 1)))
	f.Add([]byte(good[:len(good)-1]))
	f.Add([]byte(good + good))
	f.Add([]byte("null"))
	k := Keeper{Folder: f.TempDir(), Providers: map[string]*config.Provider{"corp": {ClientID: "me"}}}
	a := &config.Account{Name: "work", OAuth: "corp"}
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func(text []byte) (stored, error) {
			if err := os.WriteFile(k.Path(a), text, 0o600); err != nil {
				t.Fatal(err)
			}
			return k.read(a)
		}
		s, err := read(text)
		if err != nil {
			_, isError := errors.AsType[*Error](err)
			if told := strings.ReplaceAll(err.Error(), k.Path(a), ""); !isError || s != (stored{}) || len(text) > 20 && strings.Contains(told, string(text)) {
				t.Errorf("%v, with %+v", err, s)
			}
			return
		}
		if s.AccessToken == "" || !isToken(s.AccessToken) || s.Provider != "corp" || s.ClientID != "me" {
			t.Errorf("%+v is taken for a token", s)
		}
		written, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		second, err := read(written)
		if s.Expiry.Equal(second.Expiry) {
			second.Expiry = s.Expiry // perhaps in another zone
		}
		if len(written) <= maxFile && (err != nil || s != second) {
			t.Errorf("%s is read as %+v: %v", written, second, err)
		}
	})
}
