package extract

import (
	"encoding/base64"
	"errors"
	"strings"
)

// redact gives the error with the key taken out of its text. Servers and
// proxies may repeat what they were sent.
func (c *Client) redact(err error) error {
	var answer *answerError
	if errors.As(err, &answer) {
		return answer.StatusError
	}
	text := err.Error()
	if !c.leaks(text) {
		return err
	}
	var pairs []string
	for _, form := range c.secretForms() {
		pairs = append(pairs, form, "***")
	}
	if text = strings.NewReplacer(pairs...).Replace(text); c.leaks(text) {
		text = "an error whose text repeats the key"
	}
	return errors.New(text)
}

// leaks reports whether a text holds the key in a form that it is sent in.
// Letter case does not count: host names lose it.
func (c *Client) leaks(text string) bool {
	text = strings.ToLower(text)
	for _, form := range c.secretForms() {
		if strings.Contains(text, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

// secretForms are the key and what HTTP Basic makes of it, with and without
// padding and in both alphabets, the longer before its parts.
func (c *Client) secretForms() []string {
	key := c.opts.Secret()
	forms := []string{key}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		user := []byte(key + ":")
		forms = append(forms, e.EncodeToString(user), e.WithPadding(base64.NoPadding).EncodeToString(user))
		if whole := len(key) / 3 * 3; whole > 0 { // what does not depend on the text behind the key
			forms = append(forms, e.EncodeToString(user[:whole]))
		}
	}
	return forms
}
