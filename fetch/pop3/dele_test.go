package pop3

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestDelete(t *testing.T) {
	t.Run("one by one", func(t *testing.T) {
		play(t, `
			C: DELE 1
			S: +OK message 1 deleted
			C: DELE 3
			S: -ERR message 3 already deleted
			C: DELE 5
			S: +OK
		`, func(t *testing.T, c *Client) {
			said := wire(c)
			marked, refused, err := c.Delete([]int{1, 3, 5}, false)
			ok(t, err)
			if e := as[*ServerError](t, refused); !slices.Equal(marked, []int{1, 5}) || e.Command != "DELE 3" {
				t.Errorf("marked %v, refused: %v", marked, refused)
			}
			if !strings.HasPrefix(said.String(), "C: DELE 1\nS: +OK message 1 deleted\nC: DELE 3\n") {
				t.Errorf("the dialogue says\n%s", said)
			}
		})
	})
	t.Run("ahead", func(t *testing.T) {
		play(t, `
			C: DELE 1
			C: DELE 3
			C: DELE 5
			C: DELE 7
			S: -ERR [SYS/TEMP] not now
			S: +OK
			S: -ERR not now either
			S: -ERR no
			C: QUIT
			S: +OK
		`, func(t *testing.T, c *Client) {
			marked, refused, err := c.Delete([]int{1, 3, 5, 7}, true)
			ok(t, err)
			if e := as[*ServerError](t, refused); !slices.Equal(marked, []int{3}) || e.Command != "DELE 1" || e.Code != "SYS/TEMP" {
				t.Errorf("marked %v, refused: %v", marked, refused)
			}
			if !strings.HasSuffix(refused.Error(), "(and 2 more)") {
				t.Errorf("refused: %v", refused)
			}
			ok(t, c.Quit())
		})
	})
	t.Run("none", func(t *testing.T) {
		play(t, ``, func(t *testing.T, c *Client) {
			if marked, refused, err := c.Delete(nil, true); marked != nil || refused != nil || err != nil {
				t.Errorf("got %v, %v, %v", marked, refused, err)
			}
		})
	})
	t.Run("cut", func(t *testing.T) {
		play(t, `
			C: DELE 1
			C: DELE 2
			S: +OK
			S: (closes)
		`, func(t *testing.T, c *Client) {
			marked, refused, err := c.Delete([]int{1, 2}, true)
			if !slices.Equal(marked, []int{1}) || refused != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v, %v, %v", marked, refused, err)
			}
		})
	})
	t.Run("empty line", func(t *testing.T) {
		play(t, `
			C: DELE 1
			S: 
		`, func(t *testing.T, c *Client) {
			_, _, err := c.Delete([]int{1}, true)
			as[*ProtocolError](t, err)
		})
	})
}

// More than a window's worth of DELEs goes out in as many writes as it fills windows, each when the one before is answered.
func TestDeleteMany(t *testing.T) {
	bubble(t, func(t *testing.T) {
		most := 0
		s := newServer(t, nil, func(queue []string) { most = max(most, len(queue)) })
		defer s.stop()
		numbers := make([]int, 2*windowCommands+1)
		for i := range numbers {
			numbers[i] = i + 1
		}
		marked, refused, err := s.client.Delete(numbers, true)
		ok(t, err)
		if len(marked) != len(numbers) || refused != nil || s.writes != 3 || most != windowCommands {
			t.Errorf("marked %v, refused %v, in %d writes, %d outstanding", marked, refused, s.writes, most)
		}
	})
}
