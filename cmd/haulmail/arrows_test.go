package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The arrows of the house: who may import whom, and who may touch the world outside. "x/..." is x and all below it.
// A package or a library that is not here fails TestArrows: decide where it belongs and add it.

// repoArrows holds every package of the repository with the packages of the repository it may import.
var repoArrows = map[string][]string{
	"cmd/haulbench":       {"cmd/haulbench/delay"},
	"cmd/haulbench/delay": {},
	"cmd/haulbench/meter": {},
	"cmd/haulgrowth":      {"fetch/pop3/pop3test"},
	"cmd/haulmail":        {"cmd/haulmail/manual", "cmd/haulmail/report", "config", "config/nearest", "fetch", "fetch/secret", "fetch/token"},
	"cmd/haulmail/manual": {},
	"cmd/haulmail/report": {"config", "fetch", "fetch/secret"},
	"cmd/popdemo":         {"fetch/pop3/pop3test"},
	"config":              {"config/nearest"},
	"config/nearest":      {},
	"fetch": {
		"config", "maildir", "fetch/dial", "fetch/header", "fetch/last", "fetch/pop3", "fetch/sasl", "fetch/secret", "fetch/seen", "fetch/token",
	},
	"fetch/dial":            {},
	"fetch/header":          {},
	"fetch/last":            {},
	"fetch/pop3":            {},
	"fetch/pop3/pop3test":   {},
	"fetch/sasl":            {},
	"fetch/secret":          {"config"},
	"fetch/seen":            {},
	"fetch/token":           {"config"},
	"fetch/token/tokentest": {},
	"maildir":               {},
}

// libraryArrows holds every library with the folders that may import it.
var libraryArrows = map[string][]string{
	"al.essio.dev/pkg/shellescape":   {"cmd/haulmail/...", "config", "fetch", "fetch/dial", "fetch/secret"},
	"github.com/BurntSushi/toml":     {"config"},
	"github.com/adrg/xdg":            {"cmd/haulmail"},
	"github.com/dustin/go-humanize":  {"config", "cmd/..."},
	"github.com/emersion/go-maildir": {"maildir"},
	"github.com/emersion/go-message": {"fetch/header"},
	"github.com/zeebo/xxh3":          {"maildir"},
	"github.com/emersion/go-sasl":    {"fetch/sasl"},
	"github.com/gofrs/flock":         {"fetch/token"},
	"github.com/google/renameio/v2":  {"fetch/token"},
	"github.com/mattn/go-runewidth":  {"cmd/haulmail/..."},
	"github.com/urfave/cli/v2":       {"cmd/..."},
	"github.com/vbauerster/mpb/v8":   {"cmd/haulmail/..."},
	"github.com/xdg-go/scram":        {"fetch/sasl"},
	"github.com/xdg-go/stringprep":   {"fetch/sasl"},
	"github.com/zalando/go-keyring":  {"fetch/secret"},
	"go.etcd.io/bbolt":               {"fetch/seen"},
	"golang.org/x/net/proxy":         {"fetch/dial"},
	"gonum.org/v1/plot":              {"cmd/haulbench", "cmd/haulgrowth"},
	"golang.org/x/oauth2":            {"fetch/token"},
	"golang.org/x/sync":              {"fetch"},
	"golang.org/x/sys":               {"cmd/haulmail", "fetch/seen", "maildir"},
	"golang.org/x/term":              {"cmd/haulmail/..."},
}

// What tests may import beyond that: these libraries, and these packages of the repository. Tests of the command may
// import all of the repository.
var (
	testLibraries = []string{"github.com/rogpeppe/go-internal", "github.com/santhosh-tekuri/jsonschema/v6", "golang.org/x/sys", "pgregory.net/rapid"}
	testPackages  = []string{"fetch/pop3/pop3test", "fetch/token/tokentest"}
)

// outsideArrows holds the standard library's ways to the world outside with the folders that may use them: a name, all
// names that begin so ("Print*"), or the whole package ("*").
var outsideArrows = []struct {
	path    string
	names   []string
	folders []string
	instead string
}{
	{"os/exec", []string{"*"}, []string{"fetch/secret", "fetch/dial", "cmd/haulbench", "cmd/haulbench/meter", "cmd/haulgrowth"}, "only the commands of a password and of a proxy are run"},
	{"os", []string{"Exit"}, []string{"cmd/..."}, "return an error"},
	{"os", []string{"Args"}, []string{"cmd/..."}, "take it as an argument"},
	{"os", []string{"Stdin", "Stdout", "Stderr"}, []string{"cmd/..."}, "tell it by an event or an error"},
	{
		"os",
		[]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv"},
		[]string{"cmd/..."},
		"take a getenv function as an argument",
	},
	{
		"os",
		[]string{"UserHomeDir", "UserConfigDir", "UserCacheDir", "Hostname"},
		[]string{"cmd/..."},
		"take it as an argument",
	},
	{"os/user", []string{"*"}, []string{"cmd/..."}, "take the home folder as an argument"},
	{"os/signal", []string{"*"}, []string{"cmd/..."}, "take a context"},
	{"syscall", []string{"Exit", "Getenv", "Environ"}, []string{"cmd/..."}, "take it as an argument"},
	{"fmt", []string{"Print*", "Scan", "Scanf", "Scanln"}, []string{"cmd/..."}, "tell it by an event or an error"},
	{"log", []string{"*"}, []string{"cmd/..."}, "tell it by an event or an error"},
	{"log/slog", []string{"*"}, []string{"cmd/...", "config"}, "tell it by an event or an error"},
	{"flag", []string{"*"}, []string{"cmd/popdemo"}, "flags are urfave/cli's"},
	{"testing", []string{"*"}, nil, "only tests know of testing"},
}

// listed is what the test uses of a package in the output of go list.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	Module          *struct {
		Path string
		Main bool
	}
	GoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string
}

func TestArrows(t *testing.T) {
	packages, module := listPackages(t)
	for _, p := range packages {
		if p.Standard || p.Module == nil || !p.Module.Main {
			continue
		}
		folder := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if _, known := repoArrows[folder]; !known {
			t.Errorf("package %q is not in repoArrows: decide what it may import and add it to the table", folder)
			continue
		}
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles, p.TestGoFiles, p.XTestGoFiles) {
			for _, broken := range checkFile(t, filepath.Join(p.Dir, name), module, folder) {
				t.Error(broken)
			}
		}
	}
}

// listPackages asks the go command for the packages of the repository and all they are built from.
func listPackages(t *testing.T) (packages []listed, module string) {
	t.Helper()
	list := exec.Command("go", "list", "-e", "-deps", "-json", "./...")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module != nil && p.Module.Main {
			module = p.Module.Path
		}
		packages = append(packages, p)
	}
	if module == "" {
		t.Fatal("go list shows no package of this module")
	}
	return packages, module
}

// checkFile gives a line for each arrow a file breaks. It reads the source, so that files of other systems count too.
func checkFile(t *testing.T, file, module, folder string) (broken []string) {
	t.Helper()
	positions := token.NewFileSet()
	source, err := parser.ParseFile(positions, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	test := strings.HasSuffix(file, "_test.go")
	report := func(at token.Pos, format string, args ...any) {
		where := fmt.Sprintf("%s/%s:%d: ", folder, filepath.Base(file), positions.Position(at).Line)
		broken = append(broken, where+fmt.Sprintf(format, args...))
	}
	used := map[string]string{} // the name in this file → the path of the package
	for _, spec := range source.Imports {
		target := strings.Trim(spec.Path.Value, `"`)
		if why := importBreaks(target, module, folder, test); why != "" {
			report(spec.Pos(), "%s", why)
		}
		name := path.Base(target)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		used[name] = target
	}
	if test {
		return broken
	}
	ast.Inspect(source, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				if why := nameBreaks(used[x.Name], n.Sel.Name, folder); why != "" {
					report(n.Pos(), "%s", why)
				}
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "print" || f.Name == "println") {
				report(n.Pos(), "%s calls the built-in %s: tell it by an event or an error", folder, f.Name)
			}
		}
		return true
	})
	return broken
}

// importBreaks says which arrow an import breaks, or "".
func importBreaks(target, module, folder string, test bool) string {
	first, _, _ := strings.Cut(target, "/")
	switch {
	case target == module || strings.HasPrefix(target, module+"/"):
		return repoBreaks(strings.TrimPrefix(strings.TrimPrefix(target, module), "/"), folder, test)
	case !strings.Contains(first, "."):
		if test {
			return ""
		}
		return nameBreaks(target, "*", folder)
	}
	for library, folders := range libraryArrows {
		if below(target, library) && (within(folder, folders) || (test && slices.Contains(testLibraries, library))) {
			return ""
		} else if below(target, library) {
			return fmt.Sprintf("%s imports %s; only %s may", folder, target, strings.Join(folders, ", "))
		}
	}
	for _, library := range testLibraries {
		if below(target, library) && test {
			return ""
		} else if below(target, library) {
			return fmt.Sprintf("%s imports %s; only tests may", folder, target)
		}
	}
	return fmt.Sprintf("%s imports %s, which is not in libraryArrows: decide who may import it and add it to the table", folder, target)
}

// repoBreaks says why one package of the repository may not import another, or "".
func repoBreaks(target, folder string, test bool) string {
	if slices.Contains(repoArrows[folder], target) {
		return ""
	}
	if test && (target == folder || below(folder, "cmd") || slices.Contains(testPackages, target)) {
		return ""
	}
	may := "nothing of the repository"
	if len(repoArrows[folder]) > 0 {
		may = "only " + strings.Join(repoArrows[folder], ", ")
	}
	return fmt.Sprintf("%s imports %s; it may import %s", folder, target, may)
}

// nameBreaks says why a folder may not use a name of the standard library, or "". The name "*" stands for the import.
func nameBreaks(pkg, name, folder string) string {
	for _, row := range outsideArrows {
		if row.path != pkg || within(folder, row.folders) {
			continue
		}
		for _, pattern := range row.names {
			prefix, open := strings.CutSuffix(pattern, "*")
			switch {
			case pattern == "*" && name == "*":
				return fmt.Sprintf("%s imports %s: %s", folder, pkg, row.instead)
			case pattern != "*" && (pattern == name || (open && strings.HasPrefix(name, prefix))):
				return fmt.Sprintf("%s uses %s.%s: %s", folder, pkg, name, row.instead)
			}
		}
	}
	return ""
}

// below says that a path is root or lies below it.
func below(p, root string) bool { return p == root || strings.HasPrefix(p, root+"/") }

// within says that a folder is one of a list.
func within(folder string, list []string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		root, tree := strings.CutSuffix(entry, "/...")
		return folder == root || (tree && below(folder, root))
	})
}

// TestArrowsBreak holds arrows that must not be, so that the tables' test is known to fail where it should.
func TestArrowsBreak(t *testing.T) {
	const module = "haulmail"
	for _, row := range []struct {
		target, folder string
		test           bool
		broken         string
	}{
		{"haulmail/config", "fetch/dial", false, "fetch/dial imports config; it may import nothing of the repository"},
		{"haulmail/fetch", "maildir", false, "maildir imports fetch; it may import nothing of the repository"},
		{"haulmail/fetch/seen", "fetch/secret", false, "fetch/secret imports fetch/seen; it may import only config"},
		{"haulmail/fetch/pop3/pop3test", "fetch/pop3", false, "fetch/pop3 imports fetch/pop3/pop3test; it may import nothing of the repository"},
		{"haulmail/fetch/pop3/pop3test", "fetch/pop3", true, ""},
		{"haulmail/config", "fetch/pop3", true, "fetch/pop3 imports config; it may import nothing of the repository"},
		{"haulmail/fetch/seen", "cmd/haulmail", true, ""},
		{"github.com/urfave/cli/v2", "fetch", false, "fetch imports github.com/urfave/cli/v2; only cmd/... may"},
		{"github.com/urfave/cli/v2", "cmd/popdemo", false, ""},
		{"go.etcd.io/bbolt/errors", "fetch/seen", false, ""},
		{"go.etcd.io/bbolt", "fetch", true, "fetch imports go.etcd.io/bbolt; only fetch/seen may"},
		{"pgregory.net/rapid", "config", false, "config imports pgregory.net/rapid; only tests may"},
		{"pgregory.net/rapid", "config", true, ""},
		{"example.org/new", "config", true, "config imports example.org/new, which is not in libraryArrows: decide who may import it and add it to the table"},
		{"os/exec", "maildir", false, "maildir imports os/exec: only the commands of a password and of a proxy are run"},
		{"os/exec", "maildir", true, ""},
		{"testing", "fetch/pop3/pop3test", false, "fetch/pop3/pop3test imports testing: only tests know of testing"},
		{"os", "maildir", false, ""},
	} {
		if got := importBreaks(row.target, module, row.folder, row.test); got != row.broken {
			t.Errorf("%s in %s (test %v): %q, want %q", row.target, row.folder, row.test, got, row.broken)
		}
	}
	for _, row := range []struct{ pkg, name, folder, broken string }{
		{"os", "Getenv", "config", "config uses os.Getenv: take a getenv function as an argument"},
		{"os", "Getenv", "cmd/haulmail", ""},
		{"os", "Exit", "fetch", "fetch uses os.Exit: return an error"},
		{"fmt", "Println", "fetch/pop3", "fetch/pop3 uses fmt.Println: tell it by an event or an error"},
		{"fmt", "Sprintf", "fetch/pop3", ""},
		{"fmt", "Fprintf", "fetch/pop3", ""},
	} {
		if got := nameBreaks(row.pkg, row.name, row.folder); got != row.broken {
			t.Errorf("%s.%s in %s: %q, want %q", row.pkg, row.name, row.folder, got, row.broken)
		}
	}
}
