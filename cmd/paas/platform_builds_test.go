package main

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"paas"
)

func (p *platform) Upload(_ context.Context, app string, src io.Reader) (paas.Upload, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.Upload{}, err
	}
	defer p.mu.Unlock()
	a.uploaded = map[string]string{}
	up := paas.Upload{Commit: strings.Repeat("c0ffee11", 5)}
	for in := tar.NewReader(src); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return up, paas.Errorf(paas.Invalid, "the archive cannot be taken: it is no tar").WithHint("make one with: git archive")
		}
		content, err := io.ReadAll(in)
		if err != nil {
			return up, err
		}
		a.uploaded[h.Name] = string(content) + h.Linkname
		up.Files++
		up.Bytes += paas.Bytes(h.Size)
	}
	return up, nil
}

func (p *platform) CreateBuild(_ context.Context, app string, req paas.BuildRequest, progress io.Writer) (paas.BuildResult, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.BuildResult{}, err
	}
	defer p.mu.Unlock()
	if req.Commit == "dead" {
		return paas.BuildResult{}, paas.Errorf(paas.NotFound, "%s has no commit %s", app, paas.Quote(req.Commit)).WithHint("paas builds -a %s", app)
	}
	result := paas.BuildResult{BuildInfo: paas.BuildInfo{ID: 9, Status: paas.BuildSucceeded, Source: paas.BuildOfCommit, Commit: req.Commit}, Release: 7}
	if req.Detach {
		result.Status, result.Release = paas.BuildPending, 0
		return result, nil
	}
	how := "with the cache"
	if req.NoCache {
		how = "from nothing"
	}
	_, err = io.WriteString(progress, "-----> Building "+strings.Join(slices.Sorted(maps.Keys(a.uploaded)), " ")+" "+how+"\n")
	return result, err
}

func (p *platform) BuildPlan(_ context.Context, app, commit string) (paas.BuildPlan, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.BuildPlan{}, err
	}
	defer p.mu.Unlock()
	if _, own := a.uploaded["Dockerfile"]; own {
		return paas.BuildPlan{Commit: commit, Language: "dockerfile", Because: "Dockerfile", Dockerfile: "Dockerfile"}, nil
	}
	return paas.BuildPlan{
		Commit: commit, Language: "static", Because: "index.html", Dockerfile: "Dockerfile", Text: "FROM web\nCOPY . /site\n", Ignore: []string{".git"},
		Notes: []string{"No fallback page"}, ProcessTypes: map[string]string{"web": ""},
	}, nil
}

func (p *platform) BuildSettings(_ context.Context, app string) ([]paas.BuildSetting, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return a.build.Settings(), nil
}

func (p *platform) SetBuildSettings(_ context.Context, app string, patch paas.BuildPatch) (changed []string, err error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	a.build, changed, err = a.build.Apply(patch)
	return changed, err
}

func (p *platform) BuildSecrets(_ context.Context, app string) ([]paas.BuildSecret, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	var all []paas.BuildSecret
	for _, name := range slices.Sorted(maps.Keys(a.buildSecrets)) {
		all = append(all, paas.BuildSecret{Name: name, User: "ada", SetAt: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)})
	}
	return all, nil
}

func (p *platform) SetBuildSecrets(ctx context.Context, app string, patch paas.BuildSecretsPatch) ([]paas.BuildSecret, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	if a.buildSecrets == nil {
		a.buildSecrets = map[string]string{}
	}
	for name, value := range patch {
		if value == nil {
			delete(a.buildSecrets, name)
		} else {
			a.buildSecrets[name] = *value
		}
	}
	p.mu.Unlock()
	return p.BuildSecrets(ctx, app)
}
