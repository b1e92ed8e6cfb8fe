package config

// Key is one key of the file, as a manual tells of it.
type Key struct {
	Table    string   // "account" for [account.NAME] and [defaults], "oauth" for [oauth.NAME], "" above the tables
	Group    string   // what the keys around it are about, as a heading
	Name     string   // as it stands in the file
	Takes    string   // the kind of its value, such as "a duration"; Words come besides, or alone where it is ""
	Words    []string // words of a meaning of their own
	Default  string   // in TOML; "" is none
	Meaning  string   // a sentence, in plain text
	Example  string   // a value, in TOML; it is none that the key has anyway
	Required bool     // in each account, of its own or from [defaults]; in each provider
}

// What a Key takes, where several keys take the same.
const (
	takesText     = "text"
	takesPath     = "a path"
	takesCommand  = "a command"
	takesDuration = "a duration"
	takesNumber   = "a number"
	takesSize     = "a size"
	takesURL      = "a URL"
)

// The tables of Key.Table.
const (
	TableAccount = "account"
	TableOAuth   = "oauth"
)

// accountKey is a key that may stand in [account.NAME] and in [defaults].
type accountKey struct {
	Key
	read  func(d *document, v value, a *Account) // checks the value and puts it into a, or reports what is wrong with it
	shown func(a *Account) any                   // what read made of it: a string, int, bool or []string; nil where it is not set
}

// fileKey is a key that may stand above the tables.
type fileKey struct {
	Key
	read  func(d *document, v value, c *Config)
	shown func(c *Config) any
}

// providerKey is a key that may stand in [oauth.NAME].
type providerKey struct {
	Key
	read  func(d *document, v value, p *Provider)
	shown func(p *Provider) any
}

// Reference gives every key there is, in the order of a manual: those above the
// tables, of an account, of a provider. Keys of one group stand together.
func Reference() []Key {
	var all []Key
	for _, k := range fileKeys {
		all = append(all, k.Key)
	}
	for _, k := range accountKeys {
		k.Table = TableAccount
		all = append(all, k.Key)
	}
	for _, k := range providerKeys {
		k.Table = TableOAuth
		all = append(all, k.Key)
	}
	return all
}

func accountKeyNames() []string {
	var names []string
	for _, k := range accountKeys {
		names = append(names, k.Name)
	}
	return names
}

func fileKeyNames() []string {
	var names []string
	for _, k := range fileKeys {
		names = append(names, k.Name)
	}
	return names
}

func providerKeyNames() []string {
	var names []string
	for _, k := range providerKeys {
		names = append(names, k.Name)
	}
	return names
}

// requiredKeys gives the keys that each account needs.
func requiredKeys() []string {
	var names []string
	for _, k := range accountKeys {
		if k.Required {
			names = append(names, k.Name)
		}
	}
	return names
}
