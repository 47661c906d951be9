package main

import "paas"

// routeFile is the content of a file that the route of an app (App.ID) names, from the store, which has it for good.
func (p *platform) routeFile(app, name string) ([]byte, error) {
	certificates, err := p.store.Certificates(app)
	if err != nil {
		return nil, err
	}
	for _, c := range certificates {
		if paas.FileName(c.PEM) == name {
			return c.PEM, nil
		}
	}
	pages, err := p.store.Pages(app)
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		if html := []byte(page.HTML); paas.FileName(html) == name {
			return html, nil
		}
	}
	return nil, paas.Errorf(paas.NotFound, "nothing of app %s has the content %s", app, name)
}
