# frozen_string_literal: true

require 'spec_helper'

describe 'puppet_cron::collector' do
  conf = '/etc/puppet-cron/collector.yaml'

  context 'by default' do
    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_package('puppet-cron-collector').with_ensure('installed') }
    it { is_expected.to contain_service('puppet-cron-collector').with(ensure: 'running', enable: true) }
    it { is_expected.to contain_file(conf).with(mode: '0640', group: 'puppet-cron-collector').that_requires('Package[puppet-cron-collector]').that_notifies('Service[puppet-cron-collector]') }
  end

  context 'with settings' do
    let(:params) do
      { listen: ':8150', database: RSpec::Puppet::RawString.new("Sensitive('postgres://c:secret@db/c')"), silence_missed: 3, retention_failed: '180d',
        tls_crl_url: '', alerts_webhooks: [{ 'name' => 'ops', 'url' => 'https://chat.example.com/x' }] }
    end

    it 'has them at their paths' do
      expect(settings(catalogue, conf)).to eq(
        'listen' => ':8150', 'database' => 'postgres://c:secret@db/c', 'tls' => { 'crl_url' => '' }, 'retention' => { 'failed' => '180d' },
        'silence' => { 'missed' => 3 }, 'alerts' => { 'webhooks' => [{ 'name' => 'ops', 'url' => 'https://chat.example.com/x' }] },
      )
    end

    it 'keeps the file out of reports' do
      expect(catalogue.resource('file', conf).sensitive_parameters).to include(:content)
    end
  end

  { listen: 'here', silence_missed: 0, alerts_group_share: '2', retention_changed: 'long', alerts_webhooks: [{ 'name' => 'ops' }] }.each do |name, value|
    context "with #{name} => #{value}" do
      let(:params) { { name => value } }

      it { is_expected.to compile.and_raise_error(/parameter '#{name}'/) }
    end
  end

  context 'with ensure => absent' do
    let(:params) { { ensure: 'absent' } }

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_package('puppet-cron-collector').with_ensure('absent') }
    it { is_expected.to contain_file(conf).with_ensure('absent') }
  end
end
