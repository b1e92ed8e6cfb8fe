package config

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// Size is a number of octets as people write it in a config: "25MB", "512 KiB", "1.5GB". kB, MB and GB are powers of 1000, KiB, MiB and
// GiB powers of 1024. A number without a unit is never one: nobody can tell whether 25 means octets or megabytes.
type Size int64

// sizeUnits are the units that String uses, largest first.
var sizeUnits = []struct {
	name   string
	octets Size
}{
	{"GiB", humanize.GiByte},
	{"GB", humanize.GByte},
	{"MiB", humanize.MiByte},
	{"MB", humanize.MByte},
	{"KiB", humanize.KiByte},
	{"kB", humanize.KByte},
}

// ParseSize reads a number and its unit. The result is at most 1 PiB. The error quotes s.
func ParseSize(s string) (Size, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || strings.TrimRight(s, "0123456789., ") == "" {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	if n > uint64(maxSize) {
		return 0, fmt.Errorf("%q is larger than 1 PiB", s)
	}
	return Size(n), nil
}

// String gives the shortest text that ParseSize reads as s: "25MB", "1536KiB", "999B".
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.octets == 0 {
			return fmt.Sprintf("%d%s", s/u.octets, u.name)
		}
	}
	return fmt.Sprintf("%dB", int64(s))
}
