package manual

import "testing"

func TestFieldsOf(t *testing.T) {
	const schema = `{
  "oneOf": [{"$ref": "#/$defs/start"}, {"$ref": "#/$defs/end"}],
  "$defs": {
    "start": {"description": "It begins. Here.", "properties": {
      "v": {"$ref": "#/$defs/v_field"}, "event": {"const": "start", "description": "The event."}, "uid": {"$ref": "#/$defs/uid_field"},
      "zeal": {"type": "string", "description": "A backslash \\ and a \"quote\"."},
      "chain": {"description": "Links.", "items": {"properties": {"link": {"description": ".dot"}}}}}},
    "end": {"description": "It ends.", "properties": {
      "v": {"$ref": "#/$defs/v_field"}, "event": {"const": "end", "description": "The event."}, "uid": {"$ref": "#/$defs/uid_field"}, "ms": {"$ref": "#/$defs/ms_field"}}},
    "v_field": {"description": "The version."}, "uid_field": {"description": "The UID."}, "ms_field": {"description": "Milliseconds."}
  }
}`
	const want = `.Bl -tag -width uid_hex
.It Va v
The version.
.It Va event
The event.
.It Va uid
The UID.
.It Va ms
Milliseconds.
.El
.Pp
The events, and the fields that only they have:
.Bl -tag -width Ds
.It Cm start
It begins.
Here.
Has
.Va uid .
.Bl -tag -width Ds -compact
.It Va zeal
A backslash \e and a \(dqquote\(dq.
.It Va chain
Links.
.Bl -tag -width Ds -compact
.It Va link
\&.dot
.El
.El
.It Cm end
It ends.
Has
.Va uid
and
.Va ms .
.El
`
	if got, err := fieldsOf(schema); err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestFieldsOfNoSchema(t *testing.T) {
	for _, schema := range []string{"", "{", `{"$defs":{"a":{"properties":7}}}`, `{"$defs":{"a":{"properties":{"b":7}}}}`} {
		if page, err := Command(schema); err == nil {
			t.Errorf("%q makes a page of %d bytes", schema, len(page))
		}
	}
}
