package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// A hint is one line of a terminal: those of wrong command lines, and those of package fetch and of connecting, as they stand in the
// source. What is put into them may make them longer.
func TestHintsFit(t *testing.T) {
	for _, source := range []struct {
		files string
		find  func(ast.Node) []ast.Expr
		least int
	}{
		{"*.go", commandHints, 30},
		{"../../fetch/*.go", fetchHints, 30},
		{"../../fetch/dial/*.go", fetchHints, 20},
	} {
		files, err := filepath.Glob(source.files)
		if err != nil {
			t.Fatal(err)
		}
		hints := 0
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "fetch/login.go") {
				continue // what a refused login may come from takes more than a line
			}
			positions := token.NewFileSet()
			parsed, err := parser.ParseFile(positions, file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				for _, hint := range source.find(n) {
					hints++
					text := textOf(hint)
					if n := utf8.RuneCountInString("  hint: " + text); n > 80 {
						t.Errorf("%s: the hint has %d columns: %s", positions.Position(hint.Pos()), n, text)
					}
				}
				return true
			})
		}
		if hints < source.least {
			t.Errorf("found %d hints in %s", hints, source.files)
		}
	}
}

// textOf gives the literals of an expression, without what they leave room for.
func textOf(e ast.Expr) (text string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			part, _ := strconv.Unquote(lit.Value)
			text += part
		}
		return true
	})
	return regexp.MustCompile(`%(\[\d\])?[dqsv]`).ReplaceAllString(text, "")
}

// commandHints are those of usage errors.
func commandHints(n ast.Node) []ast.Expr {
	if lit, ok := n.(*ast.CompositeLit); ok {
		if name, ok := lit.Type.(*ast.Ident); ok && name.Name == "usageError" && len(lit.Elts) == 2 {
			return lit.Elts[1:]
		}
	}
	return assignedHint(n)
}

// assignedHint is that of "e.hint = …", and of "e.Kind, e.hint = …".
func assignedHint(n ast.Node) []ast.Expr {
	assign, ok := n.(*ast.AssignStmt)
	if !ok || len(assign.Lhs) != len(assign.Rhs) {
		return nil
	}
	for i, to := range assign.Lhs {
		if target, ok := to.(*ast.SelectorExpr); ok && target.Sel.Name == "hint" {
			return assign.Rhs[i : i+1]
		}
	}
	return nil
}

// fetchHints are those of a class, of the functions that are named for them, and of errors about a connection. The joints of a hint that
// functions put together count by themselves.
func fetchHints(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if name := strings.ToLower(n.Name.Name); strings.HasSuffix(name, "hint") {
			return returned(n, 0)
		} else if strings.HasPrefix(name, "classify") {
			return returned(n, 1)
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "hint" || key.Name == "Hint") {
			return []ast.Expr{n.Value}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Advise" {
			return n.Args
		}
	case *ast.CompositeLit:
		if n.Type == nil && len(n.Elts) == 3 { // a provider, and what it wants
			return n.Elts[2:]
		}
	}
	return assignedHint(n)
}

// returned gives the results of that place that a function returns.
func returned(f *ast.FuncDecl, place int) (all []ast.Expr) {
	ast.Inspect(f, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > place {
			all = append(all, r.Results[place])
		}
		return true
	})
	return all
}
