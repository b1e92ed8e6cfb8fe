package config

// noBoundWords are the words of a bound.
var noBoundWords = []string{noBound}

func selectionKeys() []accountKey {
	return []accountKey{
		{
			Key{
				Group: groupWhich, Name: KeyMaxSize, Takes: takesSize, Words: noBoundWords, Default: `"none"`, Example: `"25MB"`,
				Meaning: "Larger messages stay on the server, which is said once for each.",
			},
			(*document).readSelection,
			func(a *Account) any { return boundShown(a.MaxSize > 0, a.MaxSize.String()) },
		},
		{
			Key{
				Group: groupWhich, Name: KeyMaxMessages, Takes: takesNumber, Words: noBoundWords, Default: `"none"`, Example: "1000",
				Meaning: "So many messages are fetched in one run at most; the rest comes with the next ones.",
			},
			(*document).readSelection,
			func(a *Account) any { return boundShown(a.MaxMessages > 0, a.MaxMessages) },
		},
		{
			Key{
				Group: groupWhich, Name: KeyMaxBytes, Takes: takesSize, Words: noBoundWords, Default: `"none"`, Example: `"1GB"`,
				Meaning: "So much is fetched in one run at most, though always one message; the rest comes with the next ones.",
			},
			(*document).readSelection,
			func(a *Account) any { return boundShown(a.MaxBytes > 0, a.MaxBytes.String()) },
		},
		{
			Key{
				Group: groupWhich, Name: KeySince, Takes: "an age", Words: noBoundWords, Default: `"none"`, Example: `"30d"`,
				Meaning: "Messages that reached the mailbox longer ago stay on the server.",
			},
			(*document).readSelection,
			func(a *Account) any { return boundShown(a.Since > 0, a.Since.String()) },
		},
		{
			Key{
				Group: groupWhich, Name: KeyOrder, Words: orderWords, Default: `"oldest"`, Example: `"newest"`,
				Meaning: "Which messages are fetched first.",
			},
			(*document).readSelection,
			func(a *Account) any { return a.Order.String() },
		},
		{
			Key{
				Group: groupWhich, Name: KeyHeadersOnly, Takes: "true or false", Default: "false", Example: "true",
				Meaning: `Fetch no more than the header of each message, by TOP; only with delete = "never".`,
			},
			(*document).readSelection,
			func(a *Account) any { return a.HeadersOnly },
		},
	}
}

// boundShown gives a bound as the file takes it.
func boundShown(is bool, bound any) any {
	if !is {
		return noBound
	}
	return bound
}
