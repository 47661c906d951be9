package web

import (
	"context"
	"errors"
	"io"

	"paas"
)

func (f *fake) UploadPack(ctx context.Context, app string, _ io.Reader, _, _ io.Writer) (int, error) {
	return 0, f.note(ctx, "UploadPack", app)
}

func (f *fake) PreReceive(ctx context.Context, token, updates string, env map[string]string, options []string, progress io.Writer) error {
	err := f.note(ctx, "PreReceive", token)
	if f.onPush != nil {
		return f.onPush(ctx, token, updates, env, options, progress)
	}
	return err
}

func (f *fake) Upload(ctx context.Context, app string, src io.Reader) (paas.Upload, error) {
	n, err := io.Copy(io.Discard, src)
	return paas.Upload{Bytes: paas.Bytes(n)}, errors.Join(err, f.note(ctx, "Upload", app, n))
}

func (f *fake) CreateBuild(ctx context.Context, app string, req paas.BuildRequest, progress io.Writer) (paas.BuildResult, error) {
	_, _ = io.WriteString(progress, "building\n")
	return paas.BuildResult{Release: 2}, f.note(ctx, "CreateBuild", app, req.Commit, req.NoCache, req.Detach)
}

func (f *fake) BuildPlan(ctx context.Context, app, commit string) (paas.BuildPlan, error) {
	return paas.BuildPlan{Commit: commit}, f.note(ctx, "BuildPlan", app, commit)
}

func (f *fake) BuildSettings(ctx context.Context, app string) ([]paas.BuildSetting, error) {
	return nil, f.note(ctx, "BuildSettings", app)
}

func (f *fake) SetBuildSettings(ctx context.Context, app string, patch paas.BuildPatch) ([]string, error) {
	return nil, f.note(ctx, "SetBuildSettings", app, len(patch))
}

func (f *fake) BuildSecrets(ctx context.Context, app string) ([]paas.BuildSecret, error) {
	return nil, f.note(ctx, "BuildSecrets", app)
}

func (f *fake) SetBuildSecrets(ctx context.Context, app string, patch paas.BuildSecretsPatch) ([]paas.BuildSecret, error) {
	return nil, f.note(ctx, "SetBuildSecrets", app, len(patch))
}
