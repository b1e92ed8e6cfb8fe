package report

// Colors says whether standard error is coloured: what an error line begins with, the word "warning", and hints. Standard output never
// is.
type Colors bool

func (c Colors) red(text string) string    { return c.in("31", text) }
func (c Colors) yellow(text string) string { return c.in("33", text) }
func (c Colors) dim(text string) string    { return c.in("2", text) }

// in gives the text with an attribute of ECMA-48, SGR.
func (c Colors) in(attribute, text string) string {
	if !c || text == "" {
		return text
	}
	return "\x1b[" + attribute + "m" + text + "\x1b[m"
}
