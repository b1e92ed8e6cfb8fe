package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"haulmail/fetch/header"
	"haulmail/maildir"
)

// sink takes one message after another into its file, counts it, and looks at it on the way as far as that is asked for: nothing of a
// message is read twice, or held but the beginning of its header.
type sink struct {
	h       *haul
	file    *maildir.File
	content hash.Hash // nil where nobody asks for it
	head    []byte    // the first octets, in runs that ask for facts
}

// begin readies it for the next message. One that is named by its content is hashed in any run.
func (s *sink) begin(h *haul, file *maildir.File, nameless bool) {
	s.h, s.file, s.head = h, file, s.head[:0]
	switch {
	case !nameless && !h.Facts:
		s.content = nil
	case s.content == nil:
		s.content = sha256.New()
	default:
		s.content.Reset()
	}
}

func (s *sink) Write(p []byte) (int, error) {
	s.h.received(0, int64(len(p)))
	if s.content != nil {
		s.content.Write(p)
	}
	if s.h.Facts {
		s.head = append(s.head, p[:min(len(p), header.MaxBytes-len(s.head))]...)
	}
	return s.file.Write(p)
}

// facts gives what the message says, once it is whole; nil where nobody asks for it.
func (s *sink) facts() *Facts {
	if !s.h.Facts {
		return nil
	}
	return &Facts{Hash: "sha256:" + hex.EncodeToString(s.content.Sum(nil)), Facts: header.Parse(s.head)}
}
