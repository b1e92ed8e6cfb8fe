package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"haulmail/config"
	"haulmail/fetch"
	"haulmail/fetch/secret"
	"haulmail/fetch/token"
)

// secrets is where the passwords and tokens of a job's accounts come from.
type secrets struct {
	source secret.Source
	keeper token.Keeper
	typed  map[string]config.Secret // the passwords that were asked for, by account
}

// secrets gives what the environment and the config have, and the typed passwords.
func (j *job) secrets(typed map[string]config.Secret) secrets {
	source := secret.Source{LookupEnv: os.LookupEnv, Environ: j.options.Environ, AtTerminal: isTerminal(os.Stdin), Home: j.home}
	keeper := token.Keeper{
		Folder: j.options.StateDir, Providers: j.config.Providers, ClientSecret: source.ClientSecret,
		Dial: func(a *config.Account) token.Dial { return fetch.DialFor(a, j.options) },
	}
	return secrets{source, keeper, typed}
}

// password gives what an account logs in with.
func (s secrets) password(ctx context.Context, a *config.Account) (config.Secret, error) {
	if a.OAuth != "" {
		return s.keeper.Token(ctx, a)
	}
	source := s.source
	if typed, ok := s.typed[a.Name]; ok {
		source.Prompt = func(context.Context, string) (config.Secret, error) { return typed, nil }
	}
	return source.Password(ctx, a)
}

// renew gives another token than the one that was refused, if there is one.
func (s secrets) renew(ctx context.Context, a *config.Account, refused config.Secret) (config.Secret, error) {
	if a.OAuth != "" {
		return s.keeper.Renew(ctx, a, refused)
	}
	return s.password(ctx, a)
}

// programEnviron is the environment of the programs that a run starts. The variables that have passwords of accounts, of any account, are
// left out: nobody gave them to those programs.
func programEnviron(accounts []*config.Account) []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.ContainsFunc(accounts, func(a *config.Account) bool { return a.Password.Env == name })
	})
}
