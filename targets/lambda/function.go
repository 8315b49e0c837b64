package lambda

import (
	"context"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// runs reports whether a version is what is wanted.
func (w *wanted) runs(f *observedFunction) bool {
	return f != nil && maps.Equal(f.config.attributes(f.codeSum), w.config.attributes(w.codeSum)) && f.config.description == w.config.description
}

// findVersion returns the newest version that is what is wanted, or nil: one of a
// deploy that was interrupted, or of an earlier release.
func (s *session) findVersion(ctx context.Context, w *wanted) (*observedFunction, error) {
	var found *observedFunction
	pages := awslambdaapi.NewListVersionsByFunctionPaginator(s.lambda, &awslambdaapi.ListVersionsByFunctionInput{FunctionName: &w.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, problem("list the versions of function", w.name, err)
		}
		for _, c := range page.Versions {
			f := observedOf(&c)
			if f.version == "$LATEST" {
				continue
			}
			if f, err = s.withImage(ctx, w, f); err != nil {
				return nil, err
			}
			if w.runs(f) {
				found = f
			}
		}
	}
	return found, nil
}

// withImage is a version of a list, which says of an image less than the version
// itself. One that is another release is returned as it is.
func (s *session) withImage(ctx context.Context, w *wanted, f *observedFunction) (*observedFunction, error) {
	if !f.config.image || f.config.description != w.config.description {
		return f, nil
	}
	return s.observeVersion(ctx, w.name, f.version)
}

// makeVersion publishes a version that is what is wanted. What takes traffic does not
// change. A change by someone else in between is errMoved, or what AWS says of it.
func (t *Target) makeVersion(ctx context.Context, s *session, w *wanted, f *observedFunction) (*observedFunction, error) {
	f, err := t.makeFunction(ctx, s, w, f)
	if err != nil {
		return nil, err
	}
	if !w.runs(f) {
		return nil, fmt.Errorf("function %q: %w", w.name, errMoved)
	}
	out, err := s.lambda.PublishVersion(ctx, &awslambdaapi.PublishVersionInput{
		FunctionName: &w.name, CodeSha256: &f.stated, RevisionId: &f.revision, Description: &w.config.description,
	})
	if err != nil {
		return nil, problem("publish a version of function", w.name, err)
	}
	version, err := s.observeVersion(ctx, w.name, aws.ToString(out.Version))
	if err == nil && !w.runs(version) {
		err = fmt.Errorf("version %s of function %q: %w", version.version, w.name, errMoved)
	}
	return version, err
}

// makeFunction makes the function what is wanted, or returns it as it is if it is.
func (t *Target) makeFunction(ctx context.Context, s *session, w *wanted, f *observedFunction) (*observedFunction, error) {
	if f == nil {
		return t.createFunction(ctx, s, w)
	}
	f, err := t.settled(ctx, s, w.name, "")
	if err != nil {
		return nil, err
	}
	if f.config.image != w.config.image {
		return nil, fmt.Errorf("function %q runs %s, and Lambda never changes that of a function: run twofold destroy %s and deploy again, or give the service another name", w.name, formText(f.config.image), w.key.Service)
	}
	if f.codeSum != w.codeSum || f.config.architecture != w.config.architecture {
		code, done, err := t.handOver(ctx, s, w)
		if err != nil {
			return nil, err
		}
		defer done()
		_, err = s.lambda.UpdateFunctionCode(ctx, &awslambdaapi.UpdateFunctionCodeInput{
			FunctionName: &w.name, ZipFile: code.ZipFile, ImageUri: code.ImageUri, S3Bucket: code.S3Bucket, S3Key: code.S3Key, RevisionId: &f.revision, Architectures: []types.Architecture{types.Architecture(w.config.architecture)},
		})
		if err != nil {
			return nil, problem("update the code of function", w.name, err)
		}
		if f, err = t.settled(ctx, s, w.name, ""); err != nil {
			return nil, err
		}
	}
	if w.runs(f) {
		return f, nil
	}
	c := w.config
	in := &awslambdaapi.UpdateFunctionConfigurationInput{
		FunctionName: &w.name, RevisionId: &f.revision, Description: &c.description, Role: &c.role,
		Runtime: types.Runtime(c.runtime), Handler: optional(c.handler), MemorySize: &c.memory, Timeout: &c.timeout,
		Environment: &types.Environment{Variables: c.env}, VpcConfig: c.vpc(), FileSystemConfigs: c.mounts(),
	}
	c.updateInstance(f.config, in)
	if _, err = s.lambda.UpdateFunctionConfiguration(ctx, in); err != nil {
		return nil, problem("update the settings of function", w.name, err)
	}
	return t.settled(ctx, s, w.name, "")
}

func (t *Target) createFunction(ctx context.Context, s *session, w *wanted) (*observedFunction, error) {
	code, done, err := t.handOver(ctx, s, w)
	if err != nil {
		return nil, err
	}
	defer done()
	c := w.config
	pack := types.PackageTypeZip
	if c.image {
		pack = types.PackageTypeImage
	}
	in := &awslambdaapi.CreateFunctionInput{
		FunctionName: &w.name, Description: &c.description, Role: &c.role, PackageType: pack, Code: code,
		Runtime: types.Runtime(c.runtime), Handler: optional(c.handler), Architectures: []types.Architecture{types.Architecture(c.architecture)},
		MemorySize: &c.memory, Timeout: &c.timeout, Environment: &types.Environment{Variables: c.env},
		VpcConfig: c.vpc(), FileSystemConfigs: c.mounts(), Tags: withRelease(w.tags, w.digest),
	}
	c.createInstance(in)
	if _, err = s.lambda.CreateFunction(ctx, in); err != nil {
		return nil, problem("create function", w.name, err)
	}
	return t.settled(ctx, s, w.name, "")
}

// handOver gives AWS the code of a deployment: the zip is sent with the call that
// names it, or through S3 if it is large; an image is pushed before.
//
// Call done when AWS has taken it.
func (t *Target) handOver(ctx context.Context, s *session, w *wanted) (code *types.FunctionCode, done func(), err error) {
	switch {
	case w.image != nil:
		uri, err := t.push(ctx, s, w)
		return &types.FunctionCode{ImageUri: &uri}, func() {}, err
	case w.form.Size > zipMost:
		return t.upload(ctx, s, w)
	}
	zip, err := w.zip(ctx)
	return &types.FunctionCode{ZipFile: zip}, func() {}, err
}

func formText(image bool) string {
	if image {
		return "an image"
	}
	return "a bundle"
}

// optional is nil for what a call leaves out.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// vpc is never nil: empty lists take a function out of its VPC.
func (c functionConfig) vpc() *types.VpcConfig {
	v := &types.VpcConfig{SubnetIds: []string{}, SecurityGroupIds: []string{}}
	if len(c.subnets) > 0 {
		v.SubnetIds, v.SecurityGroupIds = c.subnets, c.groups
	}
	return v
}

func (c functionConfig) mounts() []types.FileSystemConfig {
	if c.mount == "" {
		return []types.FileSystemConfig{}
	}
	return []types.FileSystemConfig{{Arn: &c.mount, LocalMountPath: &c.path}}
}

// settled waits until AWS has done what it was told to do with a function, or with a
// version of it.
func (t *Target) settled(ctx context.Context, s *session, name, version string) (*observedFunction, error) {
	what := fmt.Sprintf("function %q", name)
	if version != "" {
		what = "version " + version + " of " + what
	}
	var f *observedFunction
	err := t.until(ctx, what+" to be ready", func() (bool, error) {
		var err error
		if version == "" {
			f, err = s.observeFunction(ctx, name)
		} else {
			f, err = s.observeVersion(ctx, name, version)
		}
		if err != nil || f == nil {
			return false, err // one that was made just now may not be known yet
		}
		if f.state == types.StateFailed || f.update == types.LastUpdateStatusFailed && version == "" {
			return false, fmt.Errorf("AWS could not set up %s: %s", what, f.reason)
		}
		return f.state != types.StatePending && f.update != types.LastUpdateStatusInProgress, nil
	})
	return f, err
}
