package seen

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// NoSize is the ListSize of a message whose size LIST didn't tell, or whose size is in doubt. Such a message is never
// deleted from the server because of this record.
const NoSize = -1

// Box is the Maildir a batch goes to: its path, and which folder that was (st_dev, st_ino).
type Box struct {
	Path     string
	Dev, Ino uint64
}

// Intent says that the message UID is to become the file Key in the Maildir's new/.
type Intent struct {
	UID      []byte
	Key      string   // final file name, without folder
	ListSize int64    // bytes, as LIST said; NoSize if unknown or in doubt
	Size     int64    // bytes of the file
	Sum      [16]byte // of the file's content, as the caller makes it
}

// Batch is a number of messages that become durable together.
type Batch struct {
	ID      uint64 // set by Begin; grows with each batch
	Box     Box
	At      time.Time // when it was fetched, kept to the second; Begin replaces the zero time by the clock's
	Intents []Intent
	Notes   []Note // stored with the intents by Begin, and no part of the batch
}

func (b *Batch) check() error {
	if len(b.Intents) == 0 || len(b.Intents) > MaxIntents {
		return fmt.Errorf("a batch of %d messages", len(b.Intents))
	}
	if len(b.Box.Path) > maxName {
		return fmt.Errorf("maildir path of %d bytes", len(b.Box.Path))
	}
	for _, n := range b.Notes {
		if err := n.check(); err != nil {
			return err
		}
	}
	for i := range b.Intents {
		in := &b.Intents[i]
		if err := checkUID(in.UID); err != nil {
			return err
		}
		if !validKey(in.Key) {
			return fmt.Errorf("bad file name %.64q", in.Key)
		}
		if in.Size < 0 || in.Size > maxSize {
			return fmt.Errorf("bad file size %d", in.Size)
		}
	}
	return nil
}

func checkUID(uid []byte) error {
	if len(uid) > MaxUID {
		return fmt.Errorf("uid of %d bytes is longer than %d", len(uid), MaxUID)
	}
	return nil
}

// validKey guards a name that becomes part of a path.
func validKey(key string) bool {
	return key != "" && len(key) <= maxKey && key != "." && key != ".." && !strings.ContainsAny(key, "/\x00")
}

func (b *Batch) encode() []byte {
	v := appendVarint(nil, seconds(b.At))
	v = appendBytes(v, b.Box.Path)
	v = binary.AppendUvarint(v, b.Box.Dev)
	v = binary.AppendUvarint(v, b.Box.Ino)
	v = binary.AppendUvarint(v, uint64(len(b.Intents)))
	for i := range b.Intents {
		in := &b.Intents[i]
		v = appendBytes(v, in.UID)
		v = appendBytes(v, in.Key)
		v = binary.AppendUvarint(v, uint64(boundSize(in.ListSize)+1))
		v = binary.AppendUvarint(v, uint64(in.Size))
		v = append(v, in.Sum[:]...)
	}
	return v
}

// decodeBatch is the opposite of encode. Nothing in the result aliases value; all of it lies in two copies of that.
func decodeBatch(id uint64, value []byte) (*Batch, error) {
	value, text := bytes.Clone(value), string(value)
	r := reader{b: value}
	b := &Batch{ID: id, At: time.Unix(r.varint(), 0)}
	b.Box.Path = string(r.bytes(maxName))
	b.Box.Dev = r.uvarint()
	b.Box.Ino = r.uvarint()
	n := r.uvarint()
	b.Intents = make([]Intent, 0, min(n, MaxIntents))
	for ; n > 0 && !r.bad; n-- {
		in := Intent{UID: r.bytes(MaxUID)}
		key := r.bytes(maxKey)
		end := len(text) - len(r.b)
		in.Key = text[end-len(key) : end]
		in.ListSize = int64(r.uvarint()) - 1
		in.Size = r.size()
		copy(in.Sum[:], r.take(len(in.Sum)))
		if in.ListSize > maxSize || in.ListSize < NoSize || !validKey(in.Key) {
			r.fail()
		}
		b.Intents = append(b.Intents, in)
	}
	if r.bad || len(r.b) > 0 || len(b.Intents) == 0 || len(b.Intents) > MaxIntents {
		return nil, damagef("batch %d can't be read", id)
	}
	return b, nil
}
