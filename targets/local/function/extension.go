package function

import (
	"encoding/json"
	"net/http"
)

// serveExtension knows as much of the extensions API as a runtime needs to be
// told of the end by SIGTERM: an extension without events can register.
func (i *instance) serveExtension(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == extensionPrefix+"register" && r.Method == http.MethodPost:
		if r.Header.Get("Lambda-Extension-Name") == "" {
			refuse(w, http.StatusForbidden, "Extension.MissingHeader", "Missing Lambda-Extension-Name header")
			return
		}
		var request struct{ Events []string }
		body, err := readAll(r.Body, r.ContentLength, payloadMax)
		if err != nil || json.Unmarshal(body, &request) != nil {
			refuse(w, http.StatusBadRequest, "InvalidRequestFormat", "The body is not an extension's registration")
			return
		}
		for _, event := range request.Events {
			refuse(w, http.StatusForbidden, "Extension.InvalidEventType",
				"The local function delivers no "+event+" events to extensions")
			return
		}
		i.mu.Lock()
		i.extended = true
		i.mu.Unlock()
		w.Header().Set("Lambda-Extension-Identifier", newRequestID())
		c := i.f.config
		writeJSON(w, http.StatusOK, map[string]string{
			"functionName": c.Name, "functionVersion": c.Version, "handler": c.Handler,
		})
	case r.URL.Path == extensionPrefix+"event/next" && r.Method == http.MethodGet:
		// There are no events; the call ends with the instance.
		select {
		case <-i.gone:
		case <-r.Context().Done():
		}
	default:
		http.NotFound(w, r)
	}
}
