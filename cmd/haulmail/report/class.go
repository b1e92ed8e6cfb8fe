package report

import "haulmail/fetch"

// ClassUsage stands in JSON where the name of a class does, for a wrong command line: the engine hears nothing of that.
const ClassUsage = "usage"

// temporary says whether the next run may do better without anybody's help.
func temporary(c fetch.Class) bool { return c > fetch.None && c <= fetch.Interrupted }
