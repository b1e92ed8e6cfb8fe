package config

import (
	"fmt"
	"time"
)

// Bounds of the keys "min_interval" and "retries".
const (
	maxInterval    = Duration(30 * 24 * time.Hour)
	defaultRetries = 2
	maxRetries     = 10 // the pauses grow: more would be days
)

func (d *document) readMinInterval(v value, a *Account) {
	t, ok := d.duration(v, `write a time such as "15m"`, "minutes")
	if !ok {
		return
	}
	if t > maxInterval {
		d.failValue(v, fmt.Sprintf("min_interval %q is out of range", t), fmt.Sprintf(`write at most "%s"`, maxInterval))
		return
	}
	a.MinInterval = t
}

func (d *document) readRetries(v value, a *Account) { d.number(v, 0, maxRetries, &a.Retries) }
