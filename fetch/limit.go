package fetch

// A message ends somewhere, whatever the server says: after four times LIST's size and some more, or, where LIST told none, after
// unlistedLimit. LIST's sizes are wrong by a few percent on some servers, and not by more.
const (
	limitFactor   = 4
	limitBase     = 64 << 20
	unlistedLimit = 2 << 30
	// limitSlack is the part of max_size by which a message may be larger than LIST says: some servers count a line's end as one octet.
	limitSlack = 16
	// believable is the largest size that LIST is believed. A larger one says nothing, and sums of them could overflow.
	believable = 64 << 30
)

// bodyLimit is where the message of a size ends, whatever the server says. A header has the least room; and where max_size is set, so
// has a message that is small in LIST alone.
func bodyLimit(size int64, r policy) int64 {
	limit := int64(unlistedLimit)
	switch {
	case r.HeadersOnly:
		return limitBase
	case size >= 0 && size <= believable:
		limit = limitBase + limitFactor*size
	}
	if r.MaxSize > 0 {
		limit = min(limit, int64(r.MaxSize)+int64(r.MaxSize)/limitSlack)
	}
	return limit
}
