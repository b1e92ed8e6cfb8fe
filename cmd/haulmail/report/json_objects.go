package report

// The objects, one for each event. Their fields stand in this order on the line. Sizes are octets, ms milliseconds. schema.json
// describes them to those who read them.
type (
	jsonHead struct {
		V     int    `json:"v"`
		Event string `json:"event"`
		Time  string `json:"time"`
	}
	jsonOf struct { // an event of an account
		jsonHead
		Account string `json:"account"`
	}
	jsonUID struct {
		UID    string `json:"uid"`
		UIDHex string `json:"uid_hex,omitempty"` // only for a UID that is not UTF-8: then uid has \xff for its odd bytes
	}
	jsonRun struct {
		jsonHead
		Version  string   `json:"version"`
		Accounts []string `json:"accounts"`
		DryRun   bool     `json:"dry_run"`
	}
	jsonResolved struct { // this and the next three: of check --connect alone
		jsonOf
		Host  string   `json:"host"`
		Addrs []string `json:"addrs"`
		MS    int64    `json:"ms"`
	}
	jsonFound struct {
		jsonOf
		Domain  string   `json:"domain"`
		Servers []string `json:"servers"`
	}
	jsonShown struct {
		jsonOf
		Trusted bool       `json:"trusted"`
		Pin     string     `json:"pin"`
		Chain   []jsonCert `json:"chain"` // the server's own certificate first
	}
	jsonCert struct {
		Subject   string   `json:"subject"`
		Issuer    string   `json:"issuer"`
		Names     []string `json:"names,omitempty"`
		NotBefore string   `json:"not_before"`
		NotAfter  string   `json:"not_after"`
	}
	jsonOffered struct {
		jsonOf
		Capabilities []string `json:"capabilities"`
		Mechanisms   []string `json:"mechanisms"`
		Expire       string   `json:"expire,omitempty"`
		LoginDelay   string   `json:"login_delay,omitempty"`
	}
	jsonConnected struct {
		jsonOf
		Addr    string `json:"addr"`              // of the server, or of the proxy; "" where there is none
		Through string `json:"through,omitempty"` // "proxy", "proxy_command" or a socket's path
		MS      int64  `json:"ms"`
	}
	jsonLogin struct {
		jsonOf
		Server     string `json:"server"`
		TLS        string `json:"tls,omitempty"`
		Mechanism  string `json:"mechanism"`
		Pipelining bool   `json:"pipelining"`
	}
	jsonAccount struct {
		jsonOf
		Server string `json:"server"`
		Total  int    `json:"total"`
		Bytes  int64  `json:"bytes"`
		New    int    `json:"new"`
		ToGet  int64  `json:"new_bytes"`
		Delete int    `json:"delete"`
		Skip   int    `json:"skip"`
	}
	jsonChoice struct {
		jsonOf
		Number int `json:"number"`
		jsonUID
		Size    *int64 `json:"size,omitempty"` // left out where LIST does not tell it
		Action  string `json:"action"`
		Reason  string `json:"reason"`
		Why     string `json:"why"`
		Fetched string `json:"fetched,omitempty"`
		Reached string `json:"reached,omitempty"`
		jsonFacts
	}
	jsonMessage struct {
		jsonOf
		jsonUID
		Path string `json:"path"`
		Key  string `json:"key"`
		Size int64  `json:"size"`
		jsonFacts
	}
	jsonFacts struct { // what the header does not say is left out
		Hash      string `json:"hash,omitempty"`
		MessageID string `json:"message_id,omitempty"`
		From      string `json:"from,omitempty"`
		Subject   string `json:"subject,omitempty"`
		Date      string `json:"date,omitempty"`
	}
	jsonSkip struct {
		jsonOf
		jsonUID
		Size   *int64 `json:"size,omitempty"`
		Reason string `json:"reason"`
		Why    string `json:"why"`
	}
	jsonDelete struct {
		jsonOf
		jsonUID
		Size *int64 `json:"size,omitempty"`
	}
	jsonCommit struct {
		jsonOf
		Messages int   `json:"messages"`
		Bytes    int64 `json:"bytes"`
		MS       int64 `json:"ms"`
	}
	jsonRecovered struct {
		jsonOf
		Delivered int `json:"delivered"`
		Finished  int `json:"finished"`
		Again     int `json:"again"`
	}
	jsonWaiting struct {
		jsonOf
		Error string `json:"error"`
		InMS  int64  `json:"in_ms"`
		Left  int    `json:"left"` // tries, this one included
	}
	jsonHealed struct {
		jsonOf
		Runs  int    `json:"runs"` // that failed
		Since string `json:"since"`
	}
	jsonRebuilt struct {
		jsonOf
		Recognised int `json:"recognised"`
		Again      int `json:"again"`
	}
	jsonWarning struct {
		jsonOf
		Warning string `json:"warning"`
	}
	jsonError struct {
		jsonHead
		Account   string `json:"account,omitempty"`
		Class     string `json:"class"`
		Step      string `json:"step"`
		Error     string `json:"error"`
		Hint      string `json:"hint,omitempty"`
		Temporary bool   `json:"temporary"`
		File      string `json:"file,omitempty"` // a mistake of the config file, and its place
		Line      int    `json:"line,omitempty"`
		Col       int    `json:"col,omitempty"`
	}
	jsonResult struct {
		jsonOf
		Class    string `json:"class"` // "none" when all went well
		Maildir  string `json:"maildir"`
		Total    int    `json:"total"`
		Messages int    `json:"messages"`
		Bytes    int64  `json:"bytes"`
		Deleted  int    `json:"deleted"`
		Failed   int    `json:"failed"`
		Later    int    `json:"later"`
		DryRun   bool   `json:"dry_run"`
		Get      int    `json:"get"`    // in a dry run: what fetch would get
		Delete   int    `json:"delete"` // and delete
		MS       int64  `json:"ms"`
	}
	jsonCheck struct {
		jsonHead
		File     string `json:"file"`
		Accounts int    `json:"accounts"`
	}
	jsonDone struct {
		jsonHead
		OK       int   `json:"ok"`
		Failed   int   `json:"failed"`
		Messages int   `json:"messages"`
		Bytes    int64 `json:"bytes"`
		Deleted  int   `json:"deleted"`
		MS       int64 `json:"ms"`
		Exit     int   `json:"exit"`
	}
)
