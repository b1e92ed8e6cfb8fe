package config

// The tables of all keys. Reading a file, config.Example, what "haulmail config
// show" shows and the tests of the manual go by them.
//
// They are filled by init: reading a key may end in an error, and making an
// error looks at the keys, which Go takes for a cycle.
var (
	fileKeys     []fileKey
	accountKeys  []accountKey
	providerKeys []providerKey
)

// The keys above the tables that a flag can override.
const (
	KeyJobs     = "jobs"
	KeyStateDir = "state_dir"
)

func init() {
	fileKeys = tableOfFile()
	accountKeys = tableOfAccounts()
	providerKeys = tableOfProviders()
}

func tableOfFile() []fileKey {
	return []fileKey{
		{
			Key{
				Name: KeyJobs, Takes: takesNumber, Default: "16", Example: "4",
				Meaning: "Accounts fetched at the same time, 1 to 1000.",
			},
			func(d *document, v value, c *Config) { d.readCount(v, &c.Jobs) },
			func(c *Config) any { return c.Jobs },
		},
		{
			Key{
				Name: "per_server", Takes: takesNumber, Default: "4", Example: "1",
				Meaning: "Accounts fetched at the same time from one server, 1 to 1000.",
			},
			func(d *document, v value, c *Config) { d.readCount(v, &c.PerServer) },
			func(c *Config) any { return c.PerServer },
		},
		{
			Key{
				Name: "jitter", Takes: takesDuration, Example: `"2m"`,
				Meaning: "Begin a run over all accounts that no person starts at a random time within so long.",
			},
			(*document).readJitter,
			func(c *Config) any { return setIf(c.Jitter > 0, c.Jitter.String()) },
		},
		{
			Key{
				Name: KeyStateDir, Takes: takesPath, Example: `"~/.local/state/haulmail"`,
				Meaning: "The folder for what is known of fetched mail; $XDG_STATE_HOME/haulmail if it is not set.",
			},
			func(d *document, v value, c *Config) { d.readPath(v, &c.StateDir) },
			func(c *Config) any { return set(c.StateDir) },
		},
	}
}

func tableOfProviders() []providerKey {
	return []providerKey{
		{Key{
			Name: "client_id", Takes: takesText, Example: `"00000000-0000-0000-0000-000000000000"`, Required: true,
			Meaning: "The id that the provider gave to the program you registered with it.",
		}, (*document).readClientID, func(p *Provider) any { return p.ClientID }},
		{
			Key{
				Name: keyClientSecret, Takes: takesText, Example: `"…"`,
				Meaning: "The secret that came with the id, if one did; the file must then be readable by its owner only.",
			},
			func(d *document, v value, p *Provider) {
				d.readSecret(v, "write it in quotes, or use client_secret_command", &p.ClientSecret)
			},
			func(p *Provider) any { return setIf(!p.ClientSecret.IsZero(), p.ClientSecret.hidden()) },
		},
		{
			Key{
				Name: keyClientSecretCommand, Takes: takesCommand, Example: `"pass show google/client-secret"`,
				Meaning: "A program that prints the secret, in place of client_secret.",
			},
			func(d *document, v value, p *Provider) { d.readCommand(v, &p.ClientSecretCommand) },
			func(p *Provider) any { return commandShown(p.ClientSecretCommand) },
		},
		{
			Key{
				Name: "token_url", Takes: takesURL, Example: `"https://login.example.org/token"`,
				Meaning: "Where tokens are given and refreshed (RFC 6749); known for google and microsoft, required for others.",
			},
			func(d *document, v value, p *Provider) { d.readURL(v, &p.TokenURL) },
			func(p *Provider) any { return set(p.TokenURL) },
		},
		{
			Key{
				Name: "device_url", Takes: takesURL, Example: `"https://login.example.org/device"`,
				Meaning: "Where a code to type is asked for (RFC 8628); known for microsoft, others need this or auth_url.",
			},
			func(d *document, v value, p *Provider) { d.readURL(v, &p.DeviceURL) },
			func(p *Provider) any { return set(p.DeviceURL) },
		},
		{
			Key{
				Name: "auth_url", Takes: takesURL, Example: `"https://login.example.org/authorize"`,
				Meaning: "Where a browser signs in (RFC 6749); known for google and microsoft.",
			},
			func(d *document, v value, p *Provider) { d.readURL(v, &p.AuthURL) },
			func(p *Provider) any { return set(p.AuthURL) },
		},
		{Key{
			Name: "redirect_url", Takes: takesURL, Default: `"http://127.0.0.1"`, Example: `"http://localhost:8080/done"`,
			Meaning: "Where the provider sends the browser back to, on this machine; without a port, any free one.",
		}, (*document).readRedirect, func(p *Provider) any { return p.RedirectURL }},
		{Key{
			Name: "scopes", Takes: "an array of texts", Example: `["https://mail.example.org/pop", "offline_access"]`,
			Meaning: "What the token is to be good for; known for google and microsoft.",
		}, (*document).readScopes, func(p *Provider) any { return setIf(len(p.Scopes) > 0, p.Scopes) }},
	}
}
