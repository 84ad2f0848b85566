package collector

// fieldTexts says of each field what it means and in which unit. Stored has the fields of
// Run, and one of its own.
func fieldTexts() map[string]map[string]string {
	return map[string]map[string]string{
		"Run": {
			"schema": "1. Fields may be added without raising it.", "id": "A UUID in lower case, version 7: it sorts by time. Also Puppet's --job-id.",
			"certname": "The node's certname in Puppet.", "trigger": "What asked for the run: schedule, catchup, retry, followup, manual or order; or one that is newer.",
			"order_id": "The order that asked for it.",
			"due":      "When it was due.", "started": "When it began.", "ended": "When it ended. Without it, the record is one of a start.",
			"outcome": "How it ended: unchanged, changed, failed, stale, errored, timed_out, interrupted or skipped; or one that is newer. Needed once ended is set.",
			"reason":  "Why, where the outcome does not say all: compile_failed, server_unreachable, disabled …; an open set.",
			"message": "One line in the node's own words, at most 1024 bytes. It never holds text that Puppet printed.", "warnings": "At most 20, of at most 1024 bytes each.",
			"noop": "Whether nothing was to be changed.", "pending": "Changes that noop kept from being made.",
			"exit_code": "Puppet's exit code. A skipped run has none.", "signal": "The signal that ended Puppet.",
			"environment": "The Puppet environment that was applied.", "environment_requested": "The one that was asked for.",
			"config_version": "The catalog's version.", "puppet_version": "The version of Puppet that the run began with.",
			"puppet_upgraded": "Whether Puppet was replaced during the run.", "agent_version": "The version of puppet-cron.",
			"catalog": "The catalog that was applied.", "transaction_uuid": "Puppet's own id of the run.", "resources": "Counts, in Puppet's own terms.",
			"timings_s": "Seconds by part of the run, at most 200. Of an unchanged run without warnings only config_retrieval, catalog_application and total are kept.",
			"failures":  "What went wrong, in Puppet's words: it may hold secrets. At most 50, of at most 2048 bytes each.", "failures_cut": "Failures beyond those.",
			"log":   "The end of what Puppet printed, at most 1 MiB. Empty unless the node's configuration asks for it.",
			"usage": "What it cost the node.", "left_running": "Processes that it left running, at most 50.", "schedule": "What the node says of its schedule.",
			"disabled": "Who disabled Puppet on the node.", "dropped_before": "Outcomes that the node's full spool had to drop before this one.",
		},
		"Stored":    {"received": "When the collector took it, by the collector's clock."},
		"Catalog":   {"uuid": "Its id.", "source": "server, cache (asked for), or cache_on_failure (the server gave none)."},
		"Resources": resourceTexts(),
		"Failure":   {"resource": "The resource, such as File[/etc/x].", "file": "The manifest.", "line": "The line in it, from 1.", "message": "What Puppet said."},
		"Usage":     {"wall_s": "Seconds by the clock.", "cpu_s": "CPU-seconds of Puppet and of its children that it waited for.", "max_rss_bytes": "Their largest memory, in bytes."},
		"Process":   {"pid": "Its process id.", "command": "Its command line, at most 256 bytes."},
		"Announce": {
			"interval_s": "Seconds from one run to the next.", "offset_s": "Seconds of the node's place in the interval.", "next_due": "When the next run is due.",
			"timeout_s": "Seconds after which a run is ended.", "missed_slots": "Runs that were due before this one and did not come.",
			"utc_offset_s": "The node's time zone when the run was recorded: seconds east of UTC.",
		},
		"DisableInfo": {
			"by": "Who; empty for a plain `puppet agent --disable`.", "reason": "Why.", "since": "From when on.", "until": "Until when; without it, for ever.",
		},
		"Batch":  {"runs": "At most 500, the oldest first."},
		"Answer": {"results": "One for each run, in their order.", "slot": "The node's place among all nodes of its interval, from 0 up to but not including 1. Without it, the collector has none to give."},
		"Result": {"id": "The run's.", "status": "stored, known, rejected, forbidden, or one that is newer.", "error": "What is wrong with a run that was not taken."},
		"Problem": {
			"type": "/problems/rejected when the run can never be stored; else left out.", "title": "The status in words.", "status": "The HTTP status.",
			"detail": "What is wrong.", "errors": "One for each field that is wrong.",
		},
		"RunList":   {"runs": "The page.", "next_cursor": "Of the next page; without it, this is the last."},
		"NodeList":  {"nodes": "The page.", "next_cursor": "Of the next page; without it, this is the last."},
		"AuditList": {"entries": "The page.", "next_cursor": "Of the next page; without it, this is the last."},
		"Node":      nodeTexts(),
		"Brief":     {"id": "The run's.", "outcome": "How it ended.", "reason": "Why.", "message": "One line in the node's own words.", "ended": "When, by the node's clock."},
		"Begun":     {"id": "The run's.", "started": "When, by the node's clock.", "received": "When its start was taken, by the collector's clock."},
		"TroubleOfNode": {
			"kind":  "failing (runs in a row), stale, errored, silent, stuck (a run began and did not end in time) or certificate (which ends soon).",
			"since": "From when on, by the collector's clock.", "reason": "That of the last run, for failing, stale and errored.", "acknowledged": "Who looks after it; without it, nobody.",
		},
		"Acknowledgement": {"by": "Who.", "at": "Since when, by the collector's clock.", "comment": "What they say of it."},
		"FailingResource": {"resource": "The resource, such as File[/etc/x].", "nodes": "In the last run of how many nodes it failed."},
		"FailingNode": {
			"certname": "The node's certname.", "run_id": "Its last run that was not skipped.", "ended": "When that ended, by the node's clock.",
			"file": "The manifest.", "line": "The line in it, from 1.", "message": "The beginning of what Puppet said.",
		},
		"FailingResourceList": {"resources": "Those of most nodes first."},
		"FailingNodeList":     {"nodes": "The page.", "next_cursor": "Of the next page; without it, this is the last."},
		"AlertList":           {"alerts": "The page.", "next_cursor": "Of the next page; without it, this is the last."},
		"Told":                toldTexts(),
		"Way": {
			"id": "The delivery's, which the receiver sees.", "webhook": "The webhook's name.", "tries": "How often it was tried.", "error": "What was wrong with the last try.",
			"due": "When it is tried next; without it, never.", "ended": "When it was taken, or with an error given up.",
		},
		"AcknowledgeBody": {"trouble": "Which one; without it, all that the node has.", "comment": "What people are to know of it, at most 1024 bytes."},
		"Summary":         summaryTexts(),
		"AuditEntry":      auditTexts(),
	}
}

func toldTexts() map[string]string {
	return map[string]string{
		"schema": "1. Fields may be added without raising it.", "id": "The same for all webhooks.", "at": "When, by the collector's clock.",
		"event": "opened, reminder or recovered.", "about": "The alert by which people were told first.", "kind": "The trouble.", "reason": "Why.",
		"since": "When the first of these nodes had it.", "grouped": "Whether it is one alert for many nodes.", "count": "How many nodes it is about.",
		"fleet": "How many nodes there were in all.", "told_before": "How many more have it, of whom people were told one by one within the last hour.",
		"nodes": "Their certnames, at most 50,000.", "nodes_cut": "How many more there are.",
		"still": "Nodes that have the trouble although most have recovered.", "message": "One line for people.", "url": "Where people see more.",
		"members": "How many nodes of a grouped alert still had it when that was last looked at.", "deliveries": "One for each webhook.",
	}
}

func resourceTexts() map[string]string {
	return map[string]string{
		"total": "All resources of the catalog.", "changed": "Resources that were changed.", "failed": "Resources that failed.",
		"skipped": "Resources that were skipped.", "out_of_sync": "Resources that were not as they should be.",
		"corrective_change": "Resources that something else had changed.", "restarted": "Resources that were restarted.",
		"failed_to_restart": "Resources that could not be restarted.", "scheduled": "Resources that Puppet's schedules apply to.",
	}
}

func nodeTexts() map[string]string {
	return map[string]string{
		"certname": "Its certname in Puppet.", "first_seen": "When its first run was taken, by the collector's clock.",
		"last_seen": "When its last run was taken, by the collector's clock.", "last_run": "Its last run, of any outcome.",
		"last_executed": "Its last run that was not skipped; the node's health goes by it.", "running": "The run that was begun and is not known to have ended.",
		"environment": "The Puppet environment of its last run that says.", "puppet_version": "Of its last run that says.", "agent_version": "Of its last run that says.",
		"disabled": "Who disabled Puppet; without it, nobody.", "interval_s": "Seconds from one run to the next.", "next_due": "When its next run is due, by its own clock.",
		"timeout_s": "Seconds after which a run is ended.", "slot": "Its place among all nodes of its interval, from 0 up to but not including 1.",
		"presence":         "Whether it is heard of when it should be: present, late, silent, or unknown where it has told of no schedule.",
		"expected":         "When it should be heard of next, by the collector's clock, before the grace that it has.",
		"troubles":         "What is wrong with it, as people are told.",
		"streak":           "Runs in a row, up to the last that was not skipped, that were not healthy. Retries of an outage do not count.",
		"certificate_ends": "Until when the certificate is good that it reported with last.",
		"utc_offset_s":     "Its time zone when it ran last: seconds east of UTC.",
		"dropped":          "Outcomes that its full spool had to drop, in all.", "retired": "When it was retired; without it, it is not.",
	}
}

func summaryTexts() map[string]string {
	return map[string]string{
		"nodes": "All of them.", "outcomes": "By the outcome of their last run that was not skipped.", "reasons": "By the reason of the same run.",
		"skipped": "Those whose last run was skipped.", "disabled": "Those on which Puppet is disabled.", "running": "Those with a run in progress.",
		"never": "Those that have not executed a run yet.", "dropped": "Outcomes that their full spools had to drop, in all.",
		"presence": "By whether they are heard of when they should be.", "troubles": "By what is wrong with them; a node may have several.",
		"acknowledged": "Those of the troubles that somebody looks after.",
	}
}

func auditTexts() map[string]string {
	return map[string]string{
		"at": "When, by the collector's clock.", "actor": "Who: a certificate, a token, or the command line.", "remote": "From which address; empty on the command line.",
		"action": "What: run.put, node.retire, token.create …", "target": "To what.", "result": "ok or refused.", "detail": "Why, or how often.",
	}
}
