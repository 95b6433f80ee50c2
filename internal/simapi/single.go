package simapi

import (
	"net/http"
	"strings"
)

// recipientPath splits /recipients/{id} and /recipients/{id}/balance.
func recipientPath(path string) (id, rest string, ok bool) {
	tail, ok := strings.CutPrefix(path, "/recipients/")
	if !ok {
		return "", "", false
	}
	id, rest, _ = strings.Cut(tail, "/")
	return id, rest, true
}

// recipient answers for a single recipient or its balance.
func (s *Server) recipient(out *sender, r *http.Request, id, rest string) {
	v := s.view(Recipients)
	i := v.findRecipient(id)
	switch {
	case rest != "" && rest != "balance":
		out.error(http.StatusNotFound, r)
		return
	case i < 0 || s.cfg.empty(Recipients):
		out.message(http.StatusNotFound, "Recipient not found.")
		return
	}
	stream := Recipients
	if rest == "balance" {
		stream = RecipientBalance
	}
	v.write(stream, ref{event: event{idx: int32(i)}})
	out.json(v.enc.b[:len(v.enc.b)-1])
}

// findRecipient is the number of the recipient with an id, or -1.
func (v *view) findRecipient(id string) int {
	for i := range v.w.recipients(v.now) {
		if v.s.idText("re_", v.w.recipientHash(i)) != id {
			continue
		}
		if v.visible(Recipients, ref{event: event{t: v.w.recipientCreated(i), idx: int32(i)}}) {
			return i
		}
	}
	return -1
}
