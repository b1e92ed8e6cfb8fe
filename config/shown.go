package config

import (
	"encoding/base64"
	"encoding/hex"
	"net"
	"strconv"
)

// set gives s, nil for "".
func set(s string) any { return setIf(s != "", s) }

func setIf(is bool, v any) any {
	if !is {
		return nil
	}
	return v
}

// commandShown gives a command as it stands in the file. "config show" is for the owner of the file, so unlike everywhere else it is not
// hidden.
func commandShown(c Command) any {
	switch {
	case c.Shell != "":
		return c.Shell
	case len(c.Args) > 0:
		return c.Args
	}
	return nil
}

// pinTexts gives pins as the file takes them.
func pinTexts(pins []Pin) any {
	var all []string
	for _, p := range pins {
		if p.Key {
			all = append(all, pinKey+base64.StdEncoding.EncodeToString(p.Sum[:]))
		} else {
			all = append(all, pinCert+hex.EncodeToString(p.Sum[:]))
		}
	}
	return setIf(len(all) > 0, all)
}

// trustShown gives nothing where authorities or pins of the account's own are trusted.
func trustShown(a *Account) any {
	switch {
	case a.TLSFirstUse:
		return trustWords[1]
	case a.TLSCAFile != "" || len(a.TLSPins) > 0:
		return nil
	}
	return trustWords[0]
}

// proxyShown gives the URL of a proxy, with its password hidden, nothing where a program stands in its place.
func proxyShown(a *Account) any {
	p, login := a.Proxy, ""
	if p.Username != "" {
		login = p.Username + ":" + p.Password.hidden() + "@"
	}
	switch at := login + net.JoinHostPort(p.Host, strconv.Itoa(p.Port)); p.Kind {
	case ProxySOCKS5:
		return "socks5://" + at
	case ProxyHTTP:
		return "http://" + at
	case ProxyCommand:
		return nil
	}
	return "none"
}
