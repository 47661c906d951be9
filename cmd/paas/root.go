package main

import (
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

const rootHelp = `paas deploys apps to your own server: push a git repository, and its processes run there.

  cd hello && paas create hello     make an app, and the git remote "paas"
  git push paas main                build it, release it, serve it (or paas deploy . without git)
  paas config:set GREETING=hei      change its config: a new release
  paas scale web=4 worker=1         more processes
  paas ps; paas logs --tail         look at it
  paas run -- ./hello migrate       a one-off process on the same release
  paas rollback                     the release before, code and config

The server: PAAS_URL (ssh://paas@host:2222, https://host with PAAS_TOKEN, or unix:///path/to/paasd.sock), else the git
remote "paas" of this repository (-r names another), else paasd on this machine.
The app: -a, else PAAS_APP, else that git remote.

Output is a table on a terminal, tab-separated values without a header when piped, and JSON with --json.
Exit codes: 1 internal, 2 usage, 3 not authorised, 4 not found, 5 conflict, 6 build or deploy failed, 7 unavailable,
130 interrupted; run and ps:exec exit with the code of their process.`

// usageTemplate shows what can be typed, examples first.
const usageTemplate = `Usage:
  {{if .HasParent}}{{.UseLine}}{{else}}paas COMMAND [arguments] [flags]{{end}}{{if .Aliases}}

Short for it:{{range .Aliases}}
  paas {{.}}{{end}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{$cmds := .Commands}}{{range $group := .Groups}}

{{.Title}}{{range $cmds}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Flags of every command:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if not .HasParent}}

paas help COMMAND says more, with examples.{{end}}
`

// The groups of commands in the help.
const (
	groupApps    = "apps"
	groupRelease = "release"
	groupProcess = "process"
	groupOther   = "other"
)

// newRoot assembles all commands.
func newRoot(s *session) *cobra.Command {
	root := &cobra.Command{
		Use: "paas", Short: "Deploy apps to your own server", Long: rootHelp, Version: paas.Version(),
		SilenceErrors: true, SilenceUsage: true, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	s.globalFlags(root)
	root.SetUsageTemplate(usageTemplate)
	root.SetVersionTemplate("paas {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	noFiles := cobra.ShellCompDirectiveNoFileComp
	root.CompletionOptions.DefaultShellCompDirective = &noFiles

	root.AddGroup(
		&cobra.Group{ID: groupApps, Title: "Apps and their addresses:"},
		&cobra.Group{ID: groupRelease, Title: "Config, builds and releases:"},
		&cobra.Group{ID: groupProcess, Title: "Processes and logs:"},
		&cobra.Group{ID: groupOther, Title: "Access and the rest:"},
	)
	addGroup(root, groupApps, newApps(s), newCreate(s, runCreate), newAppInfo(s, runAppInfo), newRename(s, runRename),
		newDestroy(s, runDestroy), newDomains(s), newDomainsAdd(s), newDomainsRemove(s), newCerts(s, runCerts), newCertsAdd(s, runCertsAdd), newCertsRemove(s), newMaintenance(s),
		newMaintenanceSet(s, true), newMaintenanceSet(s, false), newPause(s, true), newPause(s, false),
		newRoutes(s, runRoutes), newPages(s, runPages), newPagesSet(s, runPagesSet), newPagesUnset(s, runPagesUnset),
		newRouter(s, runRouter), newRouterSet(s, runRouterSet), newRouterUnset(s, runRouterSet), newGitRemote(s), newOpen(s))
	addGroup(root, groupRelease, newConfig(s, runConfig), newConfigGet(s, runConfigGet), newConfigSet(s, runConfigSet),
		newConfigUnset(s, runConfigSet), newConfigEdit(s, runConfigEdit), newChecks(s, runChecks),
		newChecksSet(s, runChecksSet), newChecksUnset(s, runChecksSet), newReleases(s), newReleasesInfo(s, runReleasesInfo),
		newReleasesVerify(s), newEvents(s, runEvents), newRollback(s, runRollback), newBuilds(s), newBuildsInfo(s, runBuildsInfo), newBuildsLog(s, runBuildsLog),
		newBuildsCreate(s, runBuildsCreate), newBuildsCancel(s, runBuildsCancel), newDeploy(s, runDeploy),
		newBuildSettings(s, runBuildSettings), newBuildSet(s, runBuildSet), newBuildUnset(s, runBuildSet),
		newBuildSecrets(s, runBuildSecrets), newBuildSecret(s, runBuildSecrets), newBuildSecretUnset(s, runBuildSecrets),
		newBuildPlan(s, runBuildPlan), newBuildEject(s, runBuildPlan))
	addGroup(root, groupProcess, newPs(s), newScale(s, runScale), newResize(s, runResize), newRestart(s, runRestart), newStop(s, runStop),
		newWait(s, runWait), newExec(s, runExec), newRun(s, runRun), newRunList(s), newRunInfo(s, runRunInfo), newRunStop(s, runRunStop),
		newLogs(s, runLogs))
	addGroup(root, groupOther, newKeys(s), newKeysAdd(s, runKeysAdd), newKeysRemove(s), newTokens(s), newTokensCreate(s),
		newTokensRemove(s), newRegistries(s), newRegistryLogin(s, runRegistryLogin), newRegistryLogout(s), newGC(s, runGC), newVersion(s))
	root.SetHelpCommand(newHelp(root))
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	return root
}

func addGroup(root *cobra.Command, group string, cmds ...*cobra.Command) {
	for _, cmd := range cmds {
		cmd.GroupID = group
		cmd.DisableFlagsInUseLine = true
		root.AddCommand(cmd)
	}
}

func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   helpCommand + " [COMMAND]",
		Short: "Say how to use paas or one of its commands",
		RunE: func(_ *cobra.Command, args []string) error {
			topic, _, err := root.Find(args)
			if err != nil {
				return err
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
	}
}

// flagError makes what the flag parser complains of a usage error.
func flagError(cmd *cobra.Command, err error) error {
	path := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "paas"), " ")
	return usage(path, "%w", err)
}
