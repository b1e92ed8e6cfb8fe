package config

import "io/fs"

// ExplainText is Explain for a file that was read.
func ExplainText(path, home string, text []byte, mode fs.FileMode) (*Config, *Origins, error) {
	return explain(path, home, text, mode)
}
