package report

import "haulmail/fetch"

// classWords are the names of the classes in JSON. They are a promise: scripts decide by them.
var classWords = map[fetch.Class]string{
	fetch.None:         "none",
	fetch.Busy:         "busy",
	fetch.Held:         "held",
	fetch.Temporary:    "temporary",
	fetch.Interrupted:  "interrupted",
	fetch.Poison:       "poison",
	fetch.UnknownHost:  "unknown_host",
	fetch.Unavailable:  "unavailable",
	fetch.Protocol:     "protocol",
	fetch.CannotCreate: "cannot_create",
	fetch.IO:           "io",
	fetch.Damaged:      "damaged",
	fetch.Login:        "login",
	fetch.Config:       "config",
	fetch.Internal:     "internal",
}

// ClassUsage is the word for a wrong command line, of which the engine hears nothing.
const ClassUsage = "usage"

// ClassWord gives the name of a class in JSON.
func ClassWord(c fetch.Class) string { return classWords[c] }

// temporary says whether the next run may do better without anybody's help.
func temporary(c fetch.Class) bool { return c > fetch.None && c <= fetch.Interrupted }
