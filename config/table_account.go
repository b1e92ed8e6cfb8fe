package config

import "slices"

// The groups of an account's keys.
const (
	groupServer   = "The server"
	groupTrust    = "Whom to believe that it is the server"
	groupWay      = "The way to the server"
	groupLogin    = "Logging in"
	groupPassword = "Where the password comes from: one of these, or else the terminal"
	groupMail     = "Where mail goes, and what becomes of it on the server"
	groupWhich    = "Which mail is fetched"
	groupTrouble  = "When it goes wrong"
)

func tableOfAccounts() []accountKey {
	return slices.Concat(
		serverKeys(), trustKeys(), wayKeys(), loginKeys(), loginSecretKeys(), mailKeys(), selectionKeys(), troubleKeys(),
	)
}

func serverKeys() []accountKey {
	return []accountKey{
		{
			Key{
				Group: groupServer, Name: "server", Takes: "HOST, HOST:PORT, [v6]:PORT, srv:DOMAIN or unix:/PATH", Example: `"pop.example.net"`, Required: true,
				Meaning: `The server; "srv:example.org" asks DNS which one that domain has (RFC 6186).`,
			},
			(*document).readServer,
			func(a *Account) any { return a.Server.String() },
		},
		{
			Key{
				Group: groupServer, Name: "tls", Words: tlsWords[:TLSBySRV], Default: `"implicit"`, Example: `"starttls"`,
				Meaning: "How the connection is encrypted: from its first byte (port 995), by STLS (port 110), or not at all, so that the password travels in clear (port 110).",
			},
			(*document).readTLS,
			func(a *Account) any {
				if a.TLS == TLSBySRV {
					return nil
				}
				return a.TLS.String()
			},
		},
	}
}

func trustKeys() []accountKey {
	return []accountKey{
		{
			Key{
				Group: groupTrust, Name: "tls_ca_file", Takes: takesPath, Example: `"corp-ca.pem"`,
				Meaning: "A PEM file of authorities: only these are trusted then, not the system's.",
			},
			func(d *document, v value, a *Account) { d.readPath(v, &a.TLSCAFile) },
			func(a *Account) any { return set(a.TLSCAFile) },
		},
		{
			Key{
				Group: groupTrust, Name: "tls_fingerprint", Takes: "a pin or an array of pins",
				Example: `"spki-sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="`,
				Meaning: `In place of authorities: "spki-sha256:BASE64" of the server's key or "sha256:HEX" of its certificate, as haulmail check --connect shows them.`,
			},
			(*document).readPins,
			func(a *Account) any { return pinTexts(a.TLSPins) },
		},
		{
			Key{
				Group: groupTrust, Name: "tls_trust", Words: trustWords, Default: `"system"`, Example: `"first-use"`,
				Meaning: "Whom to trust: the system's authorities, or the key of the first connection and no other after it.",
			},
			(*document).readTrust,
			trustShown,
		},
		{
			Key{
				Group: groupTrust, Name: "tls_server_name", Takes: "HOST", Example: `"pop.example.com"`,
				Meaning: "The name that the certificate has to be for, if it is not the server's.",
			},
			(*document).readServerName,
			func(a *Account) any { return set(a.TLSServerName) },
		},
		{
			Key{
				Group: groupTrust, Name: "tls_min_version", Words: tlsVersions, Default: `"1.2"`, Example: `"1.3"`,
				Meaning: "The oldest version of TLS to speak.",
			},
			(*document).readTLSVersion,
			func(a *Account) any { return a.TLSMinVersion.String() },
		},
		{
			Key{
				Group: groupTrust, Name: "tls_client_cert", Takes: takesPath, Example: `"me.pem"`,
				Meaning: "A PEM file with a certificate of your own.",
			},
			func(d *document, v value, a *Account) { d.readPath(v, &a.TLSClientCert) },
			func(a *Account) any { return set(a.TLSClientCert) },
		},
		{
			Key{
				Group: groupTrust, Name: "tls_client_key", Takes: takesPath, Example: `"me.key"`,
				Meaning: "A PEM file with the key of tls_client_cert, if it is not in the same file.",
			},
			func(d *document, v value, a *Account) { d.readPath(v, &a.TLSClientKey) },
			func(a *Account) any { return set(a.TLSClientKey) },
		},
	}
}

func wayKeys() []accountKey {
	return []accountKey{
		{
			Key{
				Group: groupWay, Name: "timeout", Takes: takesDuration, Default: `"60s"`, Example: `"2m"`,
				Meaning: "How long the connection, the handshake and every silence of the server may last, 1s to 1h.",
			},
			func(d *document, v value, a *Account) { d.readWait(v, &a.Timeout) },
			func(a *Account) any { return a.Timeout.String() },
		},
		{
			Key{
				Group: groupWay, Name: "pipelining", Words: pipeliningWords, Default: `"auto"`, Example: `"off"`,
				Meaning: "Whether commands are sent ahead: where the server announces it, never, or where it turns out to take them.",
			},
			(*document).readPipelining,
			func(a *Account) any { return a.Pipelining.String() },
		},
		{
			Key{
				Group: groupWay, Name: "ip", Words: familyWords, Default: `"any"`, Example: `"4"`,
				Meaning: "The family of addresses to connect to.",
			},
			(*document).readFamily,
			func(a *Account) any { return a.IP.String() },
		},
		{
			Key{
				Group: groupWay, Name: "dns_server", Takes: "ADDRESS or ADDRESS:PORT", Example: `"192.0.2.53"`,
				Meaning: "The name server to ask in place of the system's; port 53 if none is named.",
			},
			(*document).readNameServer,
			func(a *Account) any { return setIf(a.DNSServer.IsValid(), a.DNSServer.String()) },
		},
		{
			Key{
				Group: groupWay, Name: "source_ip", Takes: "ADDRESS", Example: `"192.0.2.7"`,
				Meaning: "The address of this machine to connect from.",
			},
			(*document).readSource,
			func(a *Account) any { return setIf(a.SourceIP.IsValid(), a.SourceIP.String()) },
		},
		{
			Key{
				Group: groupWay, Name: keyProxy, Takes: "a socks5:// or http:// URL", Words: []string{"none"},
				Default: `"none"`, Example: `"socks5://127.0.0.1:9050"`,
				Meaning: "A proxy on the way, which resolves the server's name, too.",
			},
			(*document).readProxy,
			proxyShown,
		},
		{
			Key{
				Group: groupWay, Name: keyProxyCommand, Takes: takesCommand, Example: `"ssh -W $HAULMAIL_SERVER:$HAULMAIL_PORT gate.example.org"`,
				Meaning: "A program whose input and output are the connection, in place of proxy.",
			},
			(*document).readProxyCommand,
			func(a *Account) any { return commandShown(a.Proxy.Command) },
		},
	}
}

func loginKeys() []accountKey {
	return []accountKey{
		{
			Key{
				Group: groupLogin, Name: "username", Takes: takesText, Example: `"me@example.net"`, Required: true,
				Meaning: "The name that the server knows, often the whole address.",
			},
			(*document).readUsername,
			func(a *Account) any { return a.Username },
		},
		{
			Key{
				Group: groupLogin, Name: "auth", Words: authWords, Default: `"auto"`, Example: `"userpass"`,
				Meaning: "How to log in; auto takes the strongest way that the server offers, but neither apop nor cram-md5, which rest on MD5.",
			},
			(*document).readAuth,
			func(a *Account) any { return a.Auth.String() },
		},
		{
			Key{
				Group: groupLogin, Name: "min_interval", Takes: takesDuration, Example: `"15m"`,
				Meaning: "Least time between two logins; one that the server announces (LOGIN-DELAY) is obeyed as well.",
			},
			(*document).readMinInterval,
			func(a *Account) any { return setIf(a.MinInterval > 0, a.MinInterval.String()) },
		},
		{
			Key{
				Group: groupLogin, Name: "retries", Takes: takesNumber, Default: "2", Example: "5",
				Meaning: "How often a login is tried again that the server refuses for the moment, 0 to 10; after 2s, 6s, 18s and so on.",
			},
			(*document).readRetries,
			func(a *Account) any { return a.Retries },
		},
	}
}

func loginSecretKeys() []accountKey {
	return []accountKey{
		{
			Key{
				Group: groupPassword, Name: KeyPasswordCommand, Takes: takesCommand, Example: `"pass show mail/example"`,
				Meaning: "A program whose first line of output is the password.",
			},
			func(d *document, v value, a *Account) { d.readCommand(v, &a.Password.Command) },
			func(a *Account) any { return commandShown(a.Password.Command) },
		},
		{
			Key{
				Group: groupPassword, Name: KeyPasswordFile, Takes: takesPath, Example: `"example.password"`,
				Meaning: "A file whose first line is the password, and that only its owner can read.",
			},
			func(d *document, v value, a *Account) { d.readPath(v, &a.Password.File) },
			func(a *Account) any { return set(a.Password.File) },
		},
		{
			Key{
				Group: groupPassword, Name: KeyPasswordEnv, Takes: "NAME", Example: `"MAIL_PASSWORD"`,
				Meaning: "The environment variable that holds the password.",
			},
			(*document).readEnv,
			func(a *Account) any { return set(a.Password.Env) },
		},
		{
			Key{
				Group: groupPassword, Name: KeyPasswordCredential, Takes: "NAME", Example: `"pop"`,
				Meaning: "The systemd credential that is the password, by its name in LoadCredential=.",
			},
			(*document).readCredential,
			func(a *Account) any { return set(a.Password.Credential) },
		},
		{
			Key{
				Group: groupPassword, Name: KeyPasswordKeyring, Takes: "true, false or a name", Example: "true",
				Meaning: "The desktop's keyring, true for the service haulmail in it; haulmail login puts the password there.",
			},
			(*document).readKeyring,
			func(a *Account) any { return set(a.Password.Keyring) },
		},
		{
			Key{
				Group: groupPassword, Name: KeyNetrc, Takes: "true or false", Default: "false", Example: "true",
				Meaning: "The entry for the server and the user in ~/.netrc, or in the file that $NETRC names.",
			},
			(*document).readNetrc,
			func(a *Account) any { return setIf(a.Password.Netrc, true) },
		},
		{
			Key{
				Group: groupPassword, Name: KeyPassword, Takes: takesText, Example: `"secret"`,
				Meaning: "The password itself; the file must then be readable by its owner only.",
			},
			(*document).readPassword,
			func(a *Account) any { return setIf(!a.Password.Literal.IsZero(), a.Password.Literal.hidden()) },
		},
		{
			Key{
				Group: groupPassword, Name: KeyTokenCommand, Takes: takesCommand, Example: `["oauth-token", "me@example.net"]`,
				Meaning: "A program that prints an OAuth access token in place of a password.",
			},
			func(d *document, v value, a *Account) { d.readCommand(v, &a.Password.TokenCommand) },
			func(a *Account) any { return commandShown(a.Password.TokenCommand) },
		},
		{
			Key{
				Group: groupPassword, Name: KeyOAuth, Takes: "NAME", Example: `"microsoft"`,
				Meaning: "The provider to get tokens from, by the NAME of its [oauth.NAME]; haulmail login signs in, once.",
			},
			(*document).readOAuth,
			func(a *Account) any { return set(a.OAuth) },
		},
		{
			Key{
				Group: groupPassword, Name: "password_timeout", Takes: takesDuration, Default: `"60s"`, Example: `"5m"`,
				Meaning: "How long a command or the keyring may take to answer, 1s to 1h.",
			},
			func(d *document, v value, a *Account) { d.readWait(v, &a.PasswordTimeout) },
			func(a *Account) any { return a.PasswordTimeout.String() },
		},
	}
}

func mailKeys() []accountKey {
	return []accountKey{
		{
			Key{
				Group: groupMail, Name: "maildir", Takes: takesPath, Example: `"~/Mail/example"`, Required: true,
				Meaning: "The Maildir for the mail, made if it does not exist, with the folders above it.",
			},
			func(d *document, v value, a *Account) { d.readPath(v, &a.Maildir) },
			func(a *Account) any { return a.Maildir },
		},
		{
			Key{
				Group: groupMail, Name: "delete", Takes: "an age", Words: deleteWords, Default: `"never"`, Example: `"14d"`,
				Meaning: "When mail is deleted on the server: never, as soon as it is safe on disk, or once it was fetched so long ago.",
			},
			(*document).readDelete,
			func(a *Account) any { return a.Delete.String() },
		},
	}
}

func troubleKeys() []accountKey {
	return []accountKey{
		{
			Key{
				Group: groupTrouble, Name: "error_after", Takes: `"N runs" or a duration`, Example: `"3 runs"`,
				Meaning: "Failures that may pass are told of once they have lasted so long, and once more when they are over.",
			},
			(*document).readErrorAfter,
			func(a *Account) any { return setIf(!a.ErrorAfter.IsZero(), a.ErrorAfter.String()) },
		},
	}
}
