package report

import "haulmail/fetch"

// classWords are the names of the classes in JSON.
var classWords = namedClasses()

func namedClasses() map[fetch.Class]string {
	words := make(map[fetch.Class]string)
	for c := fetch.None; c <= fetch.Internal; c++ {
		words[c] = c.String()
	}
	return words
}

// ClassUsage is the word for a wrong command line, of which the engine hears nothing.
const ClassUsage = "usage"

// ClassWord gives the name of a class in JSON.
func ClassWord(c fetch.Class) string { return classWords[c] }

// temporary says whether the next run may do better without anybody's help.
func temporary(c fetch.Class) bool { return c > fetch.None && c <= fetch.Interrupted }
