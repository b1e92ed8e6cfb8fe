package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"al.essio.dev/pkg/shellescape"
)

// Bounds on what is read. Passwords have dozens of bytes and tokens a few
// thousand; what is longer is the wrong file or a command gone wild.
const (
	maxOutput = 64 << 10 // bytes of a file or of a command's output
	maxStderr = 4 << 10  // bytes kept of what a command complains about, its end
	maxShown  = 200      // characters of that in an error
)

var errTooLong = fmt.Errorf("more than %d KiB are no password", maxOutput>>10)

// fromFile reads the first line of a file that is its owner's alone.
func fromFile(path string) (text, hint string, err error) {
	all, hint, err := readPrivate(path, true)
	if err != nil {
		return "", hint, err
	}
	text = firstLine(all)
	if text == "" {
		return "", "write the password into its first line", fmt.Errorf("the first line of %s is empty", path)
	}
	return text, "", nil
}

// fromCredential reads a credential that systemd gives to a unit. Who may read
// it is systemd's business: its mode shows the mask of an ACL.
func (s Source) fromCredential(name string) (text, hint string, err error) {
	folder := s.lookup("CREDENTIALS_DIRECTORY")
	if folder == "" {
		return "", "run it from a systemd unit with LoadCredential=" + name + ":/PATH", errors.New("$CREDENTIALS_DIRECTORY is not set: only systemd gives credentials")
	}
	path := filepath.Join(folder, name)
	all, _, err := readPrivate(path, false)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "give the unit LoadCredential=" + name + ":/PATH", err
	}
	if err != nil {
		return "", "", err
	}
	if text = firstLine(all); text == "" {
		return "", "", fmt.Errorf("the first line of %s is empty", path)
	}
	return text, "", nil
}

// readPrivate reads a file, which must be its owner's alone if alone is set. The
// check is made on the open file, so that nobody can exchange it between the two.
// Opening does not wait: a FIFO has no writer yet, perhaps never.
func readPrivate(path string, alone bool) (text []byte, hint string, err error) {
	const othersRead = 0o044
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "write the password into it: umask 077; cat > " + shellescape.Quote(path), err
	}
	if err != nil {
		return nil, "", err
	}
	defer f.Close() // only read from
	info, err := f.Stat()
	if err != nil {
		return nil, "", err
	}
	if !info.Mode().IsRegular() {
		return nil, "write the password into a plain file", fmt.Errorf("%s is not a regular file", path)
	}
	if alone && info.Mode().Perm()&othersRead != 0 {
		return nil, "chmod 600 " + shellescape.Quote(path), fmt.Errorf("%s can be read by others", path)
	}
	text, err = io.ReadAll(io.LimitReader(f, maxOutput+1))
	return text, "", err
}

// firstLine gives the first line without its line end. The lines behind it are
// free for notes, as pass(1) has it.
func firstLine(all []byte) string {
	line, _, _ := bytes.Cut(all, []byte("\n"))
	return string(bytes.TrimSuffix(line, []byte("\r")))
}
