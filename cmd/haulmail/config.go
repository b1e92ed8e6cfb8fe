package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
	"haulmail/config/nearest"
)

// verb is a word that may follow a command, and what it does with the words after it. urfave/cli would not find them behind the "--"
// that parseArgs puts before all words.
type verb struct {
	name string
	do   func(*program, *cli.Context, []string) error
}

var configVerbs = []verb{
	{"show", (*program).configShow},
	{"path", (*program).configPath},
	{"example", (*program).configExample},
}

func configCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:     "config",
		Category: categorySetUp,
		Usage:    "show what counts and where it comes from; a sample",
		UsageText: "haulmail config show [flags] [ACCOUNT...]\n" +
			"        haulmail config path [flags]\n" +
			"        haulmail config example",
		Description: "show prints every key of the accounts that has a value, as TOML, each with its origin: a line of the config, its " +
			"[defaults], a flag, the environment, or haulmail's default. Passwords are not shown, commands and the names of files " +
			"are.\n\n" +
			"path tells where the config and the state are, and why there.\n\n" +
			"example prints a commented sample with every key there is.",
		Action: func(c *cli.Context) error { return p.choose(c, configVerbs) },
	}
}

// choose does what the first word after a command says.
func (p *program) choose(c *cli.Context, verbs []verb) error {
	command, word := c.Command.Name, c.Args().First()
	var names []string
	for _, v := range verbs {
		if v.name == word {
			return v.do(p, c, c.Args().Tail())
		}
		names = append(names, v.name)
	}
	e := &usageError{command + " needs a word after it: " + orList(names), "haulmail " + command + " --help"}
	if word != "" {
		e.message = command + " cannot " + fmt.Sprintf("%q", word)
		if near := nearest.To(word, names); near != "" {
			e.hint = "did you mean: haulmail " + command + " " + near
		}
	}
	return e
}

// orList gives "a, b or c".
func orList(words []string) string { return listOf(words, "or") }

// listOf gives "a, b and c".
func listOf(words []string, joint string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + joint + " " + words[last]
}

func (p *program) configExample(c *cli.Context, words []string) error {
	if len(words) > 0 {
		return &usageError{"config example takes no arguments", "haulmail config example > config.toml"}
	}
	if err := noJSON(c, "config example prints TOML"); err != nil {
		return err
	}
	_, err := io.WriteString(p.out, config.Example())
	return err
}

// configShow shows the keys that count for the accounts named, or for all.
func (p *program) configShow(c *cli.Context, names []string) error {
	s, err := readSettings(c)
	if err != nil {
		return err
	}
	home := findHome()
	cfg, origins, err := explainConfig(c.Context, s, home)
	if err != nil {
		return err
	}
	accounts, err := p.chooseAccounts(cfg, names, c.App)
	if err != nil {
		return err
	}
	sections := []report.Section{{Settings: p.fileSettings(s, cfg, origins, home)}}
	for _, a := range accounts {
		sections = append(sections, report.Section{Table: config.TableAccount, Name: a.Name, Settings: shown(origins.Account(a))})
	}
	for _, provider := range cfg.UsedBy(accounts) {
		sections = append(sections, report.Section{Table: config.TableOAuth, Name: provider.Name, Settings: shown(origins.Provider(provider))})
	}
	if s.json {
		report.SettingsJSON(p.out, cfg.File, sections)
	} else {
		report.Settings(p.out, cfg.File, sections)
	}
	return nil
}

func shown(all []config.Setting) []report.Setting {
	list := make([]report.Setting, len(all))
	for i, s := range all {
		list[i] = report.Setting{Setting: s}
	}
	return list
}

// fileSettings gives the keys above the tables as flags and the environment leave them.
func (p *program) fileSettings(s settings, cfg *config.Config, origins *config.Origins, home string) []report.Setting {
	list := shown(origins.File(cfg))
	state := p.statePlace(s, cfg, home)
	if state.By != report.ByFile && state.Path != "" {
		i := slices.IndexFunc(list, func(s report.Setting) bool { return s.Key.Name == config.KeyStateDir })
		if i < 0 {
			i = len(list)
			list = append(list, report.Setting{Setting: config.Setting{Key: config.Key{Name: config.KeyStateDir}}})
		}
		list[i].Value, list[i].By, list[i].Name = state.Path, state.By, state.Name
	}
	for i := range list {
		if list[i].Key.Name == config.KeyJobs && s.jobs > 0 {
			list[i].Value, list[i].By, list[i].Name = s.jobs, report.ByFlag, "--jobs"
		}
	}
	return list
}

// configPath tells where the config and the state are.
func (p *program) configPath(c *cli.Context, words []string) error {
	if len(words) > 0 {
		return &usageError{"config path takes no arguments", "haulmail config path"}
	}
	s, err := readSettings(c)
	if err != nil {
		return err
	}
	home := findHome()
	places := []report.Place{p.configPlace(s, home)}
	cfg, err := loadConfig(c.Context, s, home)
	if err != nil {
		cfg = &config.Config{}
	}
	places = append(places, p.statePlace(s, cfg, home))
	if _, none := errors.AsType[*noConfigError](err); err != nil && !none && places[1].By != report.ByFlag {
		places[1].Doubt = "the config has mistakes, and may name another"
	}
	for i := range places {
		lookAt(&places[i])
	}
	if unreadable, ok := errors.AsType[*unreadableError](err); ok {
		places[0].Barred = causeOf(unreadable.err)
		if places[1].Doubt != "" {
			places[1].Doubt = "the config may name another"
		}
	}
	if s.json {
		report.PlacesJSON(p.out, places)
	} else {
		report.Places(p.out, places)
	}
	return nil
}

// lookAt says whether something is there, or why nobody can tell.
func lookAt(place *report.Place) {
	_, err := os.Stat(place.Path)
	place.Exists = err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		place.Barred = causeOf(err)
	}
}

// causeOf gives an error without what was done to which file.
func causeOf(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return err.Error()
}

// configPlace tells where the config is, or would be.
func (p *program) configPlace(s settings, home string) report.Place {
	place := report.Place{What: "config", Path: s.config}
	if s.config == "" {
		place.Path, _ = usualConfig(home) // no home folder: then there is no such place
		place.By, place.Name = byEnvironment("XDG_CONFIG_HOME")
	} else {
		place.By, place.Name = p.byFlag("config", "HAULMAIL_CONFIG")
		if absolute, err := filepath.Abs(s.config); err == nil {
			place.Path = absolute
		}
	}
	return place
}

// statePlace tells where the state is, or would be.
func (p *program) statePlace(s settings, cfg *config.Config, home string) report.Place {
	place := report.Place{What: "state"}
	place.Path, _ = findState(s, cfg, home) // as in configPlace
	switch {
	case s.stateDir != "":
		place.By, place.Name = p.byFlag("state-dir", "HAULMAIL_STATE_DIR")
	case cfg.StateDir != "":
		place.By, place.Name = report.ByFile, config.KeyStateDir
	default:
		place.By, place.Name = byEnvironment("XDG_STATE_HOME")
	}
	return place
}

// byFlag tells whether a flag that has a value has it from the command line or from the environment.
func (p *program) byFlag(flag, variable string) (by, name string) {
	if slices.ContainsFunc(p.line.argv, func(arg string) bool { return strings.HasPrefix(arg, "--"+flag+"=") }) {
		return report.ByFlag, "--" + flag
	}
	return report.ByEnvironment, "$" + variable
}

// byEnvironment tells whether a usual place is one because of a variable.
func byEnvironment(variable string) (by, name string) {
	if os.Getenv(variable) != "" {
		return report.ByEnvironment, "$" + variable
	}
	return report.ByDefault, ""
}
