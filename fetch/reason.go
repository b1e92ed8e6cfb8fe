package fetch

// reasonWords are the names of the reasons in JSON. They are a promise: scripts decide by them.
var reasonWords = map[Reason]string{
	ReasonNew:         "new",
	ReasonSeen:        "seen",
	ReasonYoung:       "young",
	ReasonOld:         "old",
	ReasonFetched:     "fetched",
	ReasonReturned:    "returned",
	ReasonSizeChanged: "size_changed",
	ReasonUnsettled:   "unsettled",
	ReasonReused:      "reused",
	ReasonUnlisted:    "unlisted",
	ReasonCrowded:     "crowded",
	ReasonNoUID:       "no_uid",
	ReasonRetry:       "retry",
	ReasonWaiting:     "waiting",
	ReasonFailed:      "failed",
	ReasonMarked:      "marked",
	ReasonDoubtful:    "doubtful",
	ReasonTooLarge:    "too_large",
	ReasonTooOld:      "too_old",
	ReasonNextRun:     "next_run",
}

// String gives the word that scripts know a reason by.
func (r Reason) String() string { return reasonWords[r] }

// wanted tells whether a message is left alone because the account wants it so, and all is well with it.
func (r Reason) wanted() bool {
	switch r {
	case ReasonSeen, ReasonYoung, ReasonMarked, ReasonDoubtful, ReasonTooLarge, ReasonTooOld, ReasonNextRun:
		return true
	}
	return false
}
