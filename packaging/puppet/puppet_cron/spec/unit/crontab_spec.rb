# frozen_string_literal: true

require 'spec_helper'
require_relative '../../lib/puppet_cron/crontab'

describe PuppetCron::Crontab do
  running = ['*/30 * * * * root puppet agent -t', '0 * * * * /opt/puppetlabs/bin/puppet apply /x.pp', "1 1 * * * root sh -c 'puppet agent --onetime'"]
  others = ['# */30 * * * * root puppet agent -t', '0 4 * * * root puppet agent --enable', '0 5 * * * root puppet-cron run',
            '0 * * * * root puppeteer agent', 'MAILTO=root', '', '0 * * * * root puppet config print', "caf\xe9"]
  text = ((running + others).join("\n") + "\n").b

  it 'silences what runs Puppet, and nothing else' do
    silent = described_class.silence(text)
    expect(described_class.schedules?(silent)).to be false
    expect(silent.lines.grep(/^#puppet-cron# /).size).to eq(running.size)
    expect(silent.lines.last(others.size).join).to eq(text.lines.last(others.size).join)
  end

  it 'gives back every byte' do
    expect(described_class.restore(described_class.silence(text))).to eq(text)
  end

  it 'changes nothing the second time' do
    silent = described_class.silence(text)
    expect(described_class.silence(silent)).to eq(silent)
  end
end
